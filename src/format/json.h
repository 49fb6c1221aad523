/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON (RFC 8259), indented by two spaces. Bytes that are not UTF-8 become U+FFFD. */
#ifndef SP_JSON_H
#define SP_JSON_H

#include "base/buffer.h"

struct sp_json {
    struct sp_buffer *out;
    unsigned depth;
    bool first, after_key;
    bool replaced; /* some bytes were not UTF-8: the text is not what was given */
};

void sp_json_init(struct sp_json *json, struct sp_buffer *out);
void sp_json_object(struct sp_json *json); /* { */
void sp_json_array(struct sp_json *json);  /* [ */
void sp_json_end_object(struct sp_json *json);
void sp_json_end_array(struct sp_json *json);
void sp_json_key(struct sp_json *json, const char *key);
void sp_json_string(struct sp_json *json, const char *str); /* NULL is null */
void sp_json_number(struct sp_json *json, long long value);
void sp_json_bool(struct sp_json *json, bool value);
/* key and string value in one. */
void sp_json_pair(struct sp_json *json, const char *key, const char *value);
/* A final newline. */
void sp_json_finish(struct sp_json *json);

#endif
