/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <string.h>

size_t sp_utf8_length(const char *str, size_t len)
{
    const unsigned char *s = (const unsigned char *)str;
    if (len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    size_t need;
    unsigned low = 0x80, high = 0xbf; /* what the second byte may be */
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        need = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        need = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        need = 4;
    else
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (len < need || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return need;
}

/* Whether eight bytes are ASCII: nearly all of the files that are looked at. */
static bool is_ascii8(const char *str)
{
    uint64_t word;
    memcpy(&word, str, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool sp_utf8_is_valid(const char *str, size_t len)
{
    while (len > 0) {
        for (; len >= 8 && is_ascii8(str); len -= 8)
            str += 8;
        if (len == 0)
            break;
        size_t one = sp_utf8_length(str, len);
        if (one == 0)
            return false;
        str += one;
        len -= one;
    }
    return true;
}
