/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made with openssl, for tests of those who read them. */
#pragma once

/* O=plant, CN=edge-7.example, DNS:a.example, URI:urn:edge:7, all of the year 2026. */
static const char cert_named[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBiDCCAS+gAwIBAgIBEDAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAeFw0y\n"
	"NjAxMDEwMDAwMDBaFw0yNzAxMDEwMDAwMDBaMCkxFzAVBgNVBAMMDmVkZ2UtNy5l\n"
	"eGFtcGxlMQ4wDAYDVQQKDAVwbGFudDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA\n"
	"BMvQeVfy5KuzvcFUf9DYqA920G+I6l4VhATu1EtRgMLRQ7QNcDjR29W0DJJant0f\n"
	"SrHzZEFXzYsGwvE3YXCpK0ejZDBiMCAGA1UdEQQZMBeCCWEuZXhhbXBsZYYKdXJu\n"
	"OmVkZ2U6NzAdBgNVHQ4EFgQUdCEMVHMXV1aN9nijfFxPCi40YfYwHwYDVR0jBBgw\n"
	"FoAUnGQYB6LxN7YBJSTUWLQIqV0G6aEwCgYIKoZIzj0EAwIDRwAwRAIgekWLx94M\n"
	"q5zeF2Tpp8JJv8NdAF3a6bHvbtdI9vPwfMsCICYJXW2fuRy1qKcCCnt+GF7IaCik\n"
	"gXWfI1AHNSoOrLFE\n"
	"-----END CERTIFICATE-----\n";

/* O=plant, the same alternative names, 2026-01-01 to 2099-02-03 04:05:06. */
static const char cert_far[] = "-----BEGIN CERTIFICATE-----\n"
			       "MIIBczCCARigAwIBAgIBETAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAgFw0y\n"
			       "NjAxMDEwMDAwMDBaGA8yMDk5MDIwMzA0MDUwNlowEDEOMAwGA1UECgwFcGxhbnQw\n"
			       "WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASmF4O4413SaDJ6EP7rl8v7dljvuOuZ\n"
			       "isR9r5zVh97uU4dqUjF5001+dJ1nrkrn3U8rwTQFwVCY6f5xUJ4QnyNWo2QwYjAg\n"
			       "BgNVHREEGTAXgglhLmV4YW1wbGWGCnVybjplZGdlOjcwHQYDVR0OBBYEFAO7SYzq\n"
			       "+JP4CnntX1PYvxcnl69+MB8GA1UdIwQYMBaAFJxkGAei8Te2ASUk1Fi0CKldBumh\n"
			       "MAoGCCqGSM49BAMCA0kAMEYCIQDWRn2jrZYQ3wLXSL0xYFezrQJOkeWl5S/e+E3V\n"
			       "hjWRDAIhAJZU0ePh1tc/tfnaM9fwVBuYGcqcqop5P7MuH1Rae6Gc\n"
			       "-----END CERTIFICATE-----\n";
