# SPDX-License-Identifier: Apache-2.0
"""Hosts as six deployments lay them out, with all that StorPool's document asks of them: a function
for each, which fills an empty lib.Host. Written for these tests after the deployments' own files:

- Ubuntu: openstack-pkg-tools 123, init-script-template; nova-compute-kvm's nova-compute.conf
- RDO: rdo-packages/{cinder,nova}-distgit and oslo-config-distgit, *-rdo
- OpenStack-Ansible: openstack-ansible-os_{cinder,nova}@*-eol, templates
- Kolla: kolla-ansible@pike-eol, ansible/roles/*/templates
- TripleO: tripleo-heat-templates@7.0.18, docker/services
- DevStack: devstack@*-eol, lib/{cinder,nova}

CANARY is in every place where a host has a secret.
"""

import os

import lib

CANARY = "Sw0rdfish"

BACKEND = """[storpool]
volume_driver = cinder.volume.drivers.storpool.StorPoolDriver
volume_backend_name = storpool
storpool_template = hybrid
report_discard_supported = True
"""
CINDER = """[DEFAULT]
# how to reach the others
transport_url = rabbit://openstack:%(canary)s@10.0.0.2:5672/
auth_strategy = keystone
rootwrap_config = /etc/cinder/rootwrap.conf
enabled_backends = storpool
default_volume_type = storpool
glance_api_servers = http://10.0.0.2:9292

[database]
connection = mysql+pymysql://cinder:%(canary)s@10.0.0.2/cinder

[keystone_authtoken]
username = cinder
password = %(canary)s

[oslo_concurrency]
lock_path = /var/lock/cinder

%(backend)s"""
NOVA = """[DEFAULT]
transport_url = rabbit://openstack:%(canary)s@10.0.0.2:5672/
my_ip = 10.0.0.4
use_neutron = True
%(more)s
[api_database]
connection = mysql+pymysql://nova:%(canary)s@10.0.0.2/nova_api

[keystone_authtoken]
password = %(canary)s

[libvirt]
%(libvirt)s
[neutron]
metadata_proxy_shared_secret = %(canary)s
"""
DRIVER = "compute_driver = libvirt.LibvirtDriver\n"
STORPOOL = """# of StorPool
SP_API_HTTP_HOST = 10.0.0.1
SP_AUTH_TOKEN = %s
[ctl-1]
SP_OURID = 11
"""
# the parts of openstack-pkg-tools' script that tell how the program is started
SCRIPT = """#!/bin/sh
PROJECT_NAME=%(project)s
NAME=%(program)s
DAEMON=/usr/bin/${NAME}
CONFIG_FILE=/etc/${PROJECT_NAME}/${PROJECT_NAME}.conf
%(more)s
DAEMON_ARGS="--config-file=${CONFIG_FILE} $DAEMON_ARGS"
DAEMON_ARGS="$DAEMON_ARGS --log-file=/var/log/${PROJECT_NAME}/${NAME}.log"
case "$1" in
start) start-stop-daemon --start --chuid cinder --exec $DAEMON -- $DAEMON_ARGS ;;
systemd-start) exec start-stop-daemon --start --exec $DAEMON -- $DAEMON_ARGS ;;
esac
"""
COMPUTE_CONF = """if [ -e /etc/nova/nova-compute.conf ]; then
    DAEMON_ARGS="--config-file=/etc/nova/nova-compute.conf $DAEMON_ARGS"
fi"""
UNIT = """[Unit]
Description=OpenStack
[Service]
User=%s
Environment=OS_PASSWORD=%s
ExecStart=%s
[Install]
WantedBy=multi-user.target
"""


def put(host, name, text="", mode=0o644):
    lib.write(host.path(name), text, mode)


def cinder_conf(more=""):
    return CINDER % {"canary": CANARY, "backend": BACKEND} + more


def nova_conf(driver=DRIVER):
    return NOVA % {"canary": CANARY, "more": driver, "libvirt": "virt_type = kvm\n"}


def unit(host, name, account, command, directory="usr/lib/systemd/system"):
    """An enabled unit."""
    put(host, "%s/%s.service" % (directory, name), UNIT % (account, CANARY, command))
    wants = host.path("etc/systemd/system/multi-user.target.wants")
    os.makedirs(wants, exist_ok=True)
    os.symlink("/%s/%s.service" % (directory, name), "%s/%s.service" % (wants, name))


def storpool(host, client=True):
    """StorPool's part: its client services, configuration, bindings; accounts and spool."""
    uid, gid = os.getuid(), os.getgid()
    put(host, "etc/hostname", "ctl-1\n")
    put(host, "etc/storpool.conf", STORPOOL % CANARY, 0o640)
    put(host, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
        "cinder:x:%d:%d::/var/lib/cinder:/bin/false\nnova:x:%d:%d::/var/lib/nova:/bin/false\n"
        % (uid, gid, uid, gid))
    put(host, "etc/group", "root:x:0:\nspopenstack:x:%d:cinder,nova\n" % gid)
    for name in ("storpool_beacon", "storpool_block") if client else ():
        unit(host, name, "root", "/usr/sbin/%s.bin" % name)
    put(host, "var/spool/openstack-storpool/openstack-attach.json", "{}", 0o660)
    os.chmod(host.path("var/spool/openstack-storpool"), 0o770)


# ---- deployments -------------------------------------------------------------------------------


def packages(host, release, **more):
    host.put_all(release, **more)
    host.put_prerequisites()


def ubuntu_services(host):
    for project, part, more in (("cinder", "volume", ""), ("nova", "compute", COMPUTE_CONF)):
        program = "%s-%s" % (project, part)
        put(host, "etc/init.d/" + program,
            SCRIPT % {"project": project, "program": program, "more": more}, 0o755)
        unit(host, program, project, "/etc/init.d/%s systemd-start" % program, "lib/systemd/system")
    put(host, "etc/cinder/cinder.conf", cinder_conf())
    put(host, "etc/nova/nova.conf", nova_conf(""))
    put(host, "etc/nova/nova-compute.conf", "[DEFAULT]\n%s[libvirt]\nvirt_type=kvm\n" % DRIVER)


def ubuntu(host, release="newton"):
    packages(host, release)
    ubuntu_services(host)


def rdo_services(host):
    put(host, "usr/share/cinder/cinder-dist.conf",
        "[DEFAULT]\nlogdir = /var/log/cinder\nstate_path = /var/lib/cinder\n"
        "[database]\nconnection = mysql://cinder:cinder@localhost/cinder\n")
    put(host, "usr/share/nova/nova-dist.conf",
        "[DEFAULT]\nlogdir = /var/log/nova\nvolumes_path = /etc/nova/volumes\n%s" % DRIVER)
    put(host, "etc/cinder/cinder.conf", cinder_conf())
    put(host, "etc/nova/nova.conf", nova_conf(""))
    unit(host, "openstack-cinder-volume", "cinder", "/usr/bin/cinder-volume --config-file "
         "/usr/share/cinder/cinder-dist.conf --config-file /etc/cinder/cinder.conf "
         "--logfile /var/log/cinder/volume.log")
    unit(host, "openstack-nova-compute", "nova", "/usr/bin/nova-compute")


def rdo(host, release="ocata"):
    packages(host, release, site="usr/lib/python2.7/site-packages")
    host.put_prerequisites(site="usr/lib/python2.7/site-packages")
    rdo_services(host)


def ansible(host, release="newton"):
    for project, program in (("cinder", "cinder-volume"), ("nova", "nova-compute")):
        venv = "openstack/venvs/%s-14.2.3" % project
        site = venv + "/lib/python2.7/site-packages"
        host.put(project, release, site=site)
        host.put("os_brick", release, site=site)
        host.put_prerequisites(site=site)
        put(host, venv + "/bin/" + program, "#!/%s/bin/python\n" % venv, 0o755)
        put(host, venv + "/bin/python", "", 0o755)
        unit(host, program, project, "/%s/bin/%s --log-file=/var/log/%s/%s.log"
             % (venv, program, project, program), "etc/systemd/system")
    put(host, "etc/cinder/cinder.conf", cinder_conf(), 0o640)
    put(host, "etc/nova/nova.conf", nova_conf(), 0o640)


def kolla(host, _release=None):
    for program, conf in (("cinder-volume", cinder_conf()), ("nova-compute", nova_conf())):
        project = program.split("-")[0]
        put(host, "etc/kolla/%s/config.json" % program,
            '{"command": "%s --config-file /etc/%s/%s.conf --password %s",\n'
            ' "config_files": []}\n' % (program, project, project, CANARY))
        put(host, "etc/kolla/%s/%s.conf" % (program, project), conf, 0o600)


def tripleo(host, _release=None):
    for name, command in (
            ("cinder_volume", "/usr/bin/cinder-volume --config-file "
             "/usr/share/cinder/cinder-dist.conf --config-file /etc/cinder/cinder.conf"),
            ("nova_compute", "/usr/bin/nova-compute --config-file /etc/nova/nova.conf "
             "--config-file /etc/nova/rootwrap.conf")):
        put(host, "var/lib/kolla/config_files/%s.json" % name, '{"command": "%s"}\n' % command)
    generated = "var/lib/config-data/puppet-generated/"
    put(host, generated + "cinder/etc/cinder/cinder.conf", cinder_conf())
    put(host, generated + "nova_libvirt/etc/nova/nova.conf", nova_conf())
    put(host, generated + "nova_libvirt/etc/nova/rootwrap.conf",
        "[DEFAULT]\nfilters_path=/etc/nova/rootwrap.d\n")


def devstack(host, release="pike"):
    site = "usr/local/lib/python2.7/dist-packages"
    for component in ("cinder", "nova"):
        host.put(component, release, site="opt/stack/" + component, form="egg-info-bare")
        put(host, site + "/%s.egg-link" % component, "/opt/stack/%s\n.\n" % component)
    put(host, site + "/easy-install.pth", "/opt/stack/cinder\n/opt/stack/nova\n")
    host.put("os_brick", release, site=site)
    host.put_prerequisites(site=site)
    put(host, "etc/cinder/cinder.conf", cinder_conf())
    put(host, "etc/nova/nova-cpu.conf", nova_conf())
    unit(host, "devstack@c-vol", "stack", "/usr/local/bin/cinder-volume --config-file "
         "/etc/cinder/cinder.conf", "etc/systemd/system")
    unit(host, "devstack@n-cpu", "stack", "/usr/local/bin/nova-compute --config-file "
         "/etc/nova/nova-cpu.conf", "etc/systemd/system")


ALL = {"Ubuntu": ubuntu, "RDO": rdo, "OpenStack-Ansible": ansible, "Kolla": kolla,
       "TripleO": tripleo, "DevStack": devstack}
