/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8_locale.h"

#include <stddef.h>

void sp_utf8_locale_enter(struct sp_utf8_locale *charset)
{
    static const char *const names[] = {"C.UTF-8", "C.utf8", "en_US.UTF-8", "en_US.utf8"};
    charset->own = (locale_t)0;
    for (size_t i = 0; !charset->own && i < sizeof(names) / sizeof(*names); i++)
        charset->own = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
    if (charset->own)
        charset->before = uselocale(charset->own);
}

void sp_utf8_locale_leave(struct sp_utf8_locale *charset)
{
    if (!charset->own)
        return;
    uselocale(charset->before);
    freelocale(charset->own);
    charset->own = (locale_t)0;
}
