/* SPDX-License-Identifier: Apache-2.0 */
/* help and version: the tables of commands.c, for people and as JSON. */
#include "base/build.h"
#include "cli/cmd.h"
#include "cli/output_json.h"

static const char *words_of(const struct sp_command *command)
{
    static const char *const names[] = {[SP_WORDS_NONE] = NULL,
                                        [SP_WORDS_COMPONENTS] = "COMPONENT...",
                                        [SP_WORDS_TREES] = "TREE...",
                                        [SP_WORDS_ID] = "ID",
                                        [SP_WORDS_COMMAND] = "COMMAND"};
    return names[command->words];
}

static bool takes(const struct sp_command *command, size_t id)
{
    return command->options & 1U << id;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Of all options, or those of one command. */
static void print_options(FILE *out, const struct sp_command *command)
{
    fputs("\nOptions:\n", out);
    for (size_t id = 0; id < SP_OPTIONS; id++) {
        const struct sp_option *option = &sp_options_table[id];
        if (command && !takes(command, id))
            continue;
        int width =
            option->letter ? fprintf(out, "  -%c, ", option->letter) : fprintf(out, "      ");
        width += fprintf(out, "--%s%s%s", option->name, option->value ? " " : "",
                         option->value ? option->value : "");
        fprintf(out, "%*s  %s\n", width < 26 ? 26 - width : 0, "", option->purpose);
    }
}

static void print_all(FILE *out)
{
    fputs("Usage: sp-openstack [OPTION]... COMMAND [COMPONENT]...\n"
          "\n"
          "Makes OpenStack Mitaka, Newton, Ocata and Pike work with StorPool storage.\n"
          "\n"
          "Commands (a unique prefix is enough; `help COMMAND` lists the options of one):\n",
          out);
    for (const struct sp_command *command = sp_commands; command->name; command++)
        fprintf(out, "  %-10s  %s\n", command->name, command->purpose);
    fputs("\nComponents: cinder, nova, os_brick; with none named, all that are found.\n", out);
    print_options(out, NULL);
    fputs("\n"
          "Exit status: 0 done, or all is integrated; 1 check: something is not; 2 wrong usage;\n"
          "3 it cannot be done here; 4 the system refused; 5 an interrupted transaction waits for\n"
          "recover.\n",
          out);
}

static void print_one(FILE *out, const struct sp_command *command)
{
    const char *words = words_of(command);
    fprintf(out, "Usage: sp-openstack [OPTION]... %s%s%s%s\n\n%s: %s\n", command->name,
            words ? " [" : "", words ? words : "", words ? "]" : "", command->name,
            command->purpose);
    print_options(out, command);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_command(struct sp_json *json, struct sp_pool *pool,
                        const struct sp_command *command)
{
    sp_strv names = {NULL, 0, 0};
    for (size_t id = 0; id < SP_OPTIONS; id++)
        if (takes(command, id))
            *SP_PUSH(pool, &names) = sp_options_table[id].name;
    sp_json_object(json);
    sp_json_pair(json, "name", command->name);
    sp_json_pair(json, "purpose", command->purpose);
    sp_json_pair(json, "arguments", words_of(command));
    sp_output_strings(json, "options", &names);
    sp_json_end_object(json);
}

static void put_option(struct sp_json *json, const struct sp_option *option)
{
    const char letter[] = {option->letter, '\0'};
    sp_json_object(json);
    sp_json_pair(json, "name", option->name);
    sp_json_pair(json, "letter", option->letter ? letter : NULL);
    sp_json_pair(json, "value", option->value);
    sp_json_pair(json, "purpose", option->purpose);
    sp_json_end_object(json);
}

static void put_help(struct sp_context *context, const struct sp_command *only)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_output_begin(&json, &buf, "help");
    sp_json_key(&json, "commands");
    sp_json_array(&json);
    for (const struct sp_command *command = sp_commands; command->name; command++)
        if (!only || command == only)
            put_command(&json, context->pool, command);
    sp_json_end_array(&json);
    sp_json_key(&json, "options");
    sp_json_array(&json);
    for (size_t id = 0; id < SP_OPTIONS; id++)
        if (!only || takes(only, id))
            put_option(&json, &sp_options_table[id]);
    sp_json_end_array(&json);
    sp_output_end(&json, context);
}

/* ---- commands -------------------------------------------------------------------------------- */

int sp_cmd_help(struct sp_context *context, struct sp_error *err)
{
    const struct sp_command *command = NULL;
    const sp_strv *names = &context->options->arguments;
    if (names->count && sp_cli_find_command(names->items[0], &command, err) < 0)
        return -1;
    if (context->report->json)
        put_help(context, command);
    else if (command)
        print_one(context->report->out, command);
    else
        print_all(context->report->out);
    return SP_ERROR_NONE;
}

int sp_cmd_version(struct sp_context *context, SP_UNUSED struct sp_error *err)
{
    if (context->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "version");
        sp_json_pair(&json, "version", sp_build_version);
        sp_output_end(&json, context);
    } else {
        fprintf(context->report->out, "sp-openstack %s\n", sp_build_version);
    }
    return SP_ERROR_NONE;
}
