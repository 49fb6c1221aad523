/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive gives and takes names in the characters of the locale, and loses those that it lacks;
 * so it is used under a locale whose characters are UTF-8, where the system has one. The locale is
 * the calling thread's only (uselocale(3)). */
#ifndef SP_UTF8_LOCALE_H
#define SP_UTF8_LOCALE_H

#include <locale.h>

struct sp_utf8_locale {
    locale_t own, before;
};

void sp_utf8_locale_enter(struct sp_utf8_locale *locale);
void sp_utf8_locale_leave(struct sp_utf8_locale *locale);

#endif
