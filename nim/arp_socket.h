/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socket that hears the ARP packets of all links that pass its filter, and sends by any. To close
 * one, or to bind it to another link, takes the kernel up to 25 ms in which nothing else is done
 * (synchronize_net() in packet_release() and packet_do_bind()), just when ports change. So the
 * filter is what changes, and a socket that is let go waits, deaf, for who needs one next. Each who
 * asks has one, so that a flood on one link fills nobody else's buffer.
 */
#pragma once

#include <stddef.h>

struct sock_filter;

/* Classic BPF, on a packet that begins with its struct arphdr. Returns a descriptor or -errno. */
int arp_socket_open(const struct sock_filter *filter, size_t n);
/* The next packet is judged by this one; those that wait stay. 0 or -errno. */
int arp_socket_set_filter(int fd, const struct sock_filter *filter, size_t n);
void arp_socket_let_go(int *fd); /* takes it, leaves -1; -1 is fine */
