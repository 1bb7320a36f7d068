
)
$6f2d0a3e-52a4-4c1f-9a53-0d4f3c1b7a011"x
)
$6f2d0a3e-52a4-4c1f-9a53-0d4f3c1b7a041hello(2B
eth0$6f2d0a3e-52a4-4c1f-9a53-0d4f3c1b7a03Â

ip	0.0.0.0/0 *,
$6f2d0a3e-52a4-4c1f-9a53-0d4f3c1b7a02(2b.
eth0"$6f2d0a3e-52a4-4c1f-9a53-0d4f3c1b7a02j
ifnameeth0"eth0‚S
)
$6f2d0a3e-52a4-4c1f-9a53-0d4f3c1b7a031apps (¢uplink¸Â10.1.0.0/24