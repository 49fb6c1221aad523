/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a harness on the files named, for compilers without libFuzzer:
 *     replay FILE... */
#include "base/buffer.h"
#include "fuzz.h"

static int replay(const char *name)
{
    FILE *file = fopen(name, "rb");
    if (!file) {
        perror(name);
        return 1;
    }
    struct sp_buffer content = SP_BUFFER_INIT;
    char block[4096];
    for (size_t len; (len = fread(block, 1, sizeof(block), file)) > 0;)
        sp_buffer_add(&content, block, len);
    int failed = ferror(file);
    fclose(file);
    if (!failed) {
        /* exactly as large as it is, so that a sanitizer sees a read past the end */
        uint8_t *data = malloc(content.len ? content.len : 1);
        for (size_t i = 0; i < content.len; i++)
            data[i] = (uint8_t)content.data[i];
        LLVMFuzzerTestOneInput(data, content.len);
        free(data);
    }
    sp_buffer_free(&content);
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]);
    printf("%s: %d inputs\n", argv[0], argc - 1);
    return failed;
}
