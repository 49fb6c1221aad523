/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8_locale.h"

#include <stddef.h>

void sp_utf8_locale_enter(struct sp_utf8_locale *locale)
{
    static const char *const names[] = {"C.UTF-8", "C.utf8", "en_US.UTF-8", "en_US.utf8"};
    locale->own = (locale_t)0;
    for (size_t i = 0; !locale->own && i < sizeof(names) / sizeof(*names); i++)
        locale->own = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
    if (locale->own)
        locale->before = uselocale(locale->own);
}

void sp_utf8_locale_leave(struct sp_utf8_locale *locale)
{
    if (!locale->own)
        return;
    uselocale(locale->before);
    freelocale(locale->own);
    locale->own = (locale_t)0;
}
