/* SPDX-License-Identifier: Apache-2.0 */
/* The names of containers in files of /proc. */
#include "host/container.h"

#include "scratch.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(names)
{
    static const char *const cases[][2] = {
        {"12:pids:/docker/" ID "\n", "0123456789ab"},
        {"0::/system.slice/docker-" ID ".scope\n", "0123456789ab"},
        {"0::/machine.slice/libpod-" ID ".scope/container\n", "0123456789ab"},
        {"4:cpu:/kubepods/burstable/pod1/" ID "\n", "0123456789ab"},
        {"1:name=systemd:/lxc/cinder_volumes-1/init.scope\n", "cinder_volumes-1"},
        {"0::/lxc.payload.ctl1_nova\n", "ctl1_nova"},
        {"0::/machine.slice/machine-web.scope\n", "web"},
        {"0::/docker/" ID "0\n", NULL}, /* another number of digits */
        {"0::/docker/abcdef\n", NULL},
        {"0::/machine.slice/machine-web.service\n", NULL},
        {"0::/lxc/\n", NULL},
        {"0::/lxc/a\x1b[31m\n", NULL},
        {"0::/system.slice/nova-compute.service\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *name = sp_container_name(f->pool, cases[i][0]);
        if (cases[i][1])
            assert_string_equal(name, cases[i][1]);
        else
            assert_null(name);
    }
}

TEST_IN_DIR(own_name)
{
    static const char mounts[] =
        "8 7 0:50 / / rw - overlay overlay rw,upperdir=/var/lib/docker/overlay2/f" ID "/diff\n"
        "9 8 8:1 /var/lib/docker/containers/" ID "/hostname /etc/hostname rw - ext4 /dev/a rw\n";
    scratch_mkdir(f, "self", 0755);
    assert_null(sp_container_own_name(f->pool, f->dir));
    scratch_puts(f, "self/cgroup", "0::/\n");
    scratch_puts(f, "self/mountinfo", mounts);
    assert_string_equal(sp_container_own_name(f->pool, f->dir), "0123456789ab");
    scratch_puts(f, "self/cgroup", "0::/lxc/own\n");
    assert_string_equal(sp_container_own_name(f->pool, f->dir), "own");
}

TEST_IN_DIR(sign)
{
    struct sp_root root = {.fd = scratch_open(f), .path = ""};
    assert_null(sp_container_sign(f->pool, &root, f->dir));
    scratch_mkdir(f, "run", 0755);
    scratch_puts(f, "run/.containerenv", "");
    assert_string_equal(sp_container_sign(f->pool, &root, f->dir), "/run/.containerenv");
    close(root.fd);
}
