/* SPDX-License-Identifier: Apache-2.0 */
/* Does nothing, with the libraries that sp-openstack is linked to: what the loader alone takes. */
int main(void)
{
    return 0;
}
