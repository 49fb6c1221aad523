/* SPDX-License-Identifier: Apache-2.0 */
#include "host/manager.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "host/container.h"
#include "host/running.h"
#include "model/usage.h"

enum {
    CLUSTER_MAX = 1 << 22 /* bytes of cib.xml that are looked at */
};

static const char *const program_dirs[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

static const char *read_cluster(struct sp_pool *pool)
{
    SP_CLEANUP_FD int fd =
        open("/var/lib/pacemaker/cib/cib.xml", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    SP_CLEANUP_BUFFER struct sp_buffer text = SP_BUFFER_INIT;
    char block[1 << 14];
    ssize_t got = 1;
    if (fd < 0)
        return NULL;
    while (got > 0 && text.len < CLUSTER_MAX)
        if ((got = read(fd, block, sizeof(block))) > 0)
            sp_buffer_add(&text, block, (size_t)got);
    return got == 0 ? sp_pool_strdup(pool, sp_buffer_str(&text)) : NULL;
}

static void find_image(struct sp_pool *pool, struct sp_manager *out)
{
    struct sp_root root;
    if (sp_root_open("/", &root, NULL) < 0)
        return;
    out->image = sp_container_sign(pool, &root, "/proc");
    out->image_name = out->image ? sp_container_own_name(pool, "/proc") : NULL;
    sp_root_close(&root);
}

void sp_manager_find(struct sp_pool *pool, struct sp_manager *out)
{
    struct stat st;
    sp_strv programs = {NULL, 0, 0};
    sp_running_list running = {NULL, 0, 0};
    *out = (struct sp_manager){.cluster = read_cluster(pool)};
    out->systemd = stat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
    find_image(pool, out);
    *SP_PUSH(pool, &programs) = "pacemakerd";
    *SP_PUSH(pool, &programs) = "pacemaker_remoted"; /* before 2.0 */
    *SP_PUSH(pool, &programs) = "pacemaker-remoted";
    sp_running_find(pool, "/proc", &programs, &running);
    for (size_t i = 0; i < running.count; i++)
        out->pacemaker |= running.items[i].view != SP_RUNNING_ELSEWHERE;
}

/* The letters and digits alone, all small: "nova-compute" and "NovaCompute" are the same. */
static const char *plain(struct sp_pool *pool, const char *text)
{
    char *copy = sp_pool_strdup(pool, text), *out = copy;
    for (; *text; text++)
        if (isalnum((unsigned char)*text))
            *out++ = (char)tolower((unsigned char)*text);
    *out = '\0';
    return copy;
}

const char *sp_manager_obstacle(struct sp_pool *pool, const struct sp_manager *manager,
                                const char *name, const char *program)
{
    const char *quoted = sp_pool_printf(pool, "type=\"%s\"", name), *cluster = manager->cluster;
    bool listed = cluster && strstr(cluster, quoted);
    bool named = !cluster || strstr(plain(pool, cluster), plain(pool, program));
    if (listed || (manager->pacemaker && named))
        return sp_pool_printf(
            pool, "%s; run: pcs resource restart %s",
            listed ? "it is a resource of Pacemaker" : "Pacemaker runs on this host", name);
    if (manager->image && !manager->systemd)
        return sp_pool_printf(pool,
                              "this is a container ('%s'); on its host, run: docker restart %s",
                              manager->image, manager->image_name ? manager->image_name : "NAME");
    return NULL;
}

int sp_manager_command(struct sp_pool *pool, const struct sp_manager *manager, const char *name,
                       bool is_unit, const char *argv[4], struct sp_error *err)
{
    bool systemctl = manager->systemd && is_unit;
    const char *program = systemctl ? "systemctl" : "service", *found = NULL;
    for (size_t i = 0; i < sizeof(program_dirs) / sizeof(program_dirs[0]) && !found; i++) {
        found = sp_path_join(pool, program_dirs[i], program);
        if (access(found, X_OK) < 0)
            found = NULL;
    }
    if (!found)
        return sp_error_set(err, SP_ERROR_SYSTEM, "the program %s is needed and is not there",
                            program);
    argv[0] = found;
    argv[1] = systemctl ? "try-restart" : name;
    argv[2] = systemctl ? sp_pool_printf(pool, "%s.service", name) : "restart";
    argv[3] = NULL;
    return 0;
}
