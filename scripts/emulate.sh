#!/usr/bin/env bash
# epee-nn's unit tests with instructions this machine lacks: AVX-512 (with VNNI) or NEON, under an emulator.
# Usage: scripts/emulate.sh avx512|neon [TEST_FILTER]     (cache: $EPEE_EMULATE, else /tmp/epee-emulate)
# PROPTEST_CASES (default 16), RAYON_NUM_THREADS and RUST_BACKTRACE are handed on. Ends with the tests' exit status.
# Needs an x86-64 Debian, a C compiler and cargo. Fetches from the archives in the machine's apt configuration and installs
# nothing outside the cache.
# avx512: Bochs as a Sapphire Rapids (EPEE_EMULATE_CPU: another `cpu:` setting of bochsrc), a Debian kernel, the tests as
#   its init's one child. EPEE_EMULATE_SECONDS (default 900) is when it's given up. neon: Debian's rustc-web with arm64's
#   std, qemu-user (QEMU_CPU, default max; cortex-a72 has no dot product).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage="usage: scripts/emulate.sh avx512|neon [TEST_FILTER]"
kind=${1:-}
filter=${2:-}
cache=${EPEE_EMULATE:-/tmp/epee-emulate}
mkdir -p "$cache"
cache=$(realpath "$cache")
lib=usr/lib/x86_64-linux-gnu
export PROPTEST_CASES=${PROPTEST_CASES:-16}

# archive LABEL: the address from which this machine's own apt configuration fetches Debian's packages.
archive() {
    local found
    found=$(env -u APT_CONFIG apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | head -n 1)
    [ -n "$found" ] || {
        echo "emulate: apt has no source labelled $1 (is this Debian? try: apt-get update)" >&2
        return 1
    }
    echo "$found"
}

# suite NAME LINE...: apt in a folder of its own, as on an empty machine, with these sources.
suite() {
    local dir=$cache/apt/$1
    shift
    export APT_CONFIG=$dir/apt.conf
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s\n' "$@" >"$dir/sources.list"
    cat >"$APT_CONFIG" <<END
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$dir/lists";
Dir::State::status "/dev/null";
Dir::Cache "$dir/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
END
    apt-get -qq update
}

# depends PACKAGE PATTERN: the first dependency that matches.
depends() {
    apt-cache depends "$1" | grep -oE "$2" | head -n 1
}

# unpack FOLDER PACKAGE...: downloads just these and unpacks them there.
unpack() {
    local root=$1 dir
    shift
    mkdir -p "$root"
    dir=$(mktemp -d "$cache/debs.XXXXXX")
    (cd "$dir" && apt-get -qq download "$@")
    for deb in "$dir"/*.deb; do dpkg-deb -x "$deb" "$root"; done
    rm -r "$dir"
}

# bookworm: its packages and their security updates.
bookworm() {
    local main security
    main=$(archive Debian)
    security=$(archive Debian-Security)
    suite bookworm "$main bookworm main" "$security bookworm-security main"
}

install_avx512() {
    local root=$cache/avx512 main
    main=$(archive Debian)
    bookworm
    unpack "$root/boot" busybox-static genisoimage isolinux syslinux-common \
        "$(depends linux-image-cloud-amd64 'linux-image-[0-9][^ ]*')"
    # Bookworm's Bochs knows no BF16; trixie's runs on the libraries it was built for.
    suite trixie "$main trixie main"
    mkdir -p "$root/bochs"
    apt-get -qq install --no-install-recommends --download-only -y bochs bochs-term
    for deb in "$cache"/apt/trixie/cache/archives/{lib,bochs,vgabios}*.deb; do dpkg-deb -x "$deb" "$root/bochs"; done
    touch "$root/done"
}

install_neon() {
    local root=$cache/neon std
    bookworm
    std=$(depends libstd-rust-web-dev 'libstd-rust-web-[0-9.]+')
    unpack "$root" rustc-web "$std" libstd-rust-web-dev libstd-rust-web-dev:arm64 "$(depends "$std" 'libllvm[0-9]+')" \
        libz3-4 gcc-aarch64-linux-gnu gcc-12-aarch64-linux-gnu binutils-aarch64-linux-gnu libc6-dev-arm64-cross \
        libc6-arm64-cross libgcc-12-dev-arm64-cross libgcc-s1-arm64-cross qemu-user libcapstone4
    cat >"$root/rustc" <<END
#!/bin/sh
LD_LIBRARY_PATH=$root/$lib exec $root/usr/bin/rustc --sysroot $root/usr "\$@"
END
    chmod +x "$root/rustc"
    touch "$root/done"
}

# build TARGET: the test binary, statically linked; prints its path.
build() {
    local flags=CARGO_TARGET_${1^^}_RUSTFLAGS
    env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR="$cache/target" "${flags//-/_}=-C target-feature=+crt-static" \
        cargo test -p epee-nn --lib --no-run --target "$1" --message-format json-render-diagnostics |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p'
}

run_avx512() {
    local root=$cache/avx512 test work bochs status shown=0 lines
    test=$(build x86_64-unknown-linux-gnu)
    work=$(mktemp -d "$cache/run.XXXXXX")
    mkdir -p "$work"/root/{bin,proc,dev,tmp} "$work/iso/isolinux"
    cp "$root/boot/bin/busybox" "$work/root/bin/"
    strip -o "$work/root/test" "$test"
    {
        echo '#!/bin/busybox sh'
        echo '/bin/busybox mount -t proc proc /proc; /bin/busybox mount -t devtmpfs dev /dev; /bin/busybox mount -t tmpfs tmp /tmp'
        printf 'export %q\n' "PROPTEST_CASES=$PROPTEST_CASES" "RAYON_NUM_THREADS=${RAYON_NUM_THREADS:-0}" \
            "RUST_BACKTRACE=${RUST_BACKTRACE:-0}"
        printf 'cd /tmp; echo EMULATE-BEGIN; /test %s; echo "EMULATE-END $?"\n' "${filter:+$(printf %q "$filter")}"
        echo 'exec /bin/busybox sleep 1000000'
    } >"$work/root/init"
    chmod +x "$work/root/init"
    (cd "$work/root" && find . | bin/busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$work/iso/initrd"
    cp "$root"/boot/boot/vmlinuz-* "$work/iso/vmlinuz"
    cp "$root/boot/usr/lib/ISOLINUX/isolinux.bin" "$root/boot/usr/lib/syslinux/modules/bios/ldlinux.c32" "$work/iso/isolinux/"
    # With ACPI on, Bochs's BIOS fails in its system management mode; with the cleared features, and with the other
    # security modules, the kernel hangs while it starts. The tests use none of them.
    cat >"$work/iso/isolinux/isolinux.cfg" <<END
default tests
prompt 0
label tests
 kernel /vmlinuz
 append initrd=/initrd console=ttyS0 nokaslr mitigations=off panic=-1 oops=panic lsm=capability apparmor=0 acpi=off nopcid clearcpuid=smap,smep,pku,invpcid,fsrm,erms,fsgsbase
END
    "$root/boot/usr/bin/genisoimage" -quiet -o "$work/iso.img" -b isolinux/isolinux.bin -c isolinux/boot.cat \
        -no-emul-boot -boot-load-size 4 -boot-info-table "$work/iso"
    # AMX is out because Bochs has the tiles' setting but not the kernel's way to turn them on.
    # Bochs 3.0 is wrong in two places: vdpbf16ps with a memory operand at a short displacement (LLVM folds a load so where
    # it's used once: the kernel's one-row tile), and vcvtne2ps2bf16, which takes its second source for both halves. So BF16
    # is out by default, and the bf16 tests run on the AVX2 kernel; without `avx512bf16` in this list they show the fault.
    local cpu='model=sapphire_rapids, exclude_features="amx amx_bf16 amx_int8 waitpkg serialize avx512bf16"'
    cpu=${EPEE_EMULATE_CPU:-$cpu}
    cat >"$work/bochsrc" <<END
display_library: term
config_interface: textconfig
romimage: file=$root/bochs/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=$root/bochs/usr/share/bochs/VGABIOS-lgpl-latest
memory: guest=512, host=512
cpu: $cpu, count=1, ips=50000000
clock: sync=none
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/iso.img, status=inserted
com1: enabled=1, mode=file, dev=$work/serial
log: $work/log
panic: action=fatal
error: action=ignore
END
    : >"$work/serial"
    TERM=vt100 LTDL_LIBRARY_PATH=$root/bochs/$lib/bochs/plugins BXSHARE=$root/bochs/usr/share/bochs \
        "$root/bochs/$lib/ld-linux-x86-64.so.2" --library-path "$root/bochs/$lib:$root/bochs/$lib/pulseaudio" \
        "$root/bochs/usr/bin/bochs-bin" -q -f "$work/bochsrc" </dev/null >"$work/screen" 2>&1 &
    bochs=$!
    trap 'kill -9 '$bochs' 2>/dev/null || true' EXIT
    SECONDS=0
    while :; do
        sleep 1
        tr -d '\r' <"$work/serial" | sed -n '/^EMULATE-BEGIN/,/^EMULATE-END/p' >"$work/out"
        # The last line may be only half there.
        lines=$(wc -l <"$work/out")
        head -n "$lines" "$work/out" | tail -n "+$((shown + 1))" | grep -v '^EMULATE-' || true
        shown=$lines
        status=$(sed -n 's/^EMULATE-END \([0-9]*\)$/\1/p' "$work/out")
        [ -z "$status" ] || break
        if ! kill -0 $bochs 2>/dev/null || grep -q 'Kernel panic' "$work/serial" || [ $SECONDS -ge "${EPEE_EMULATE_SECONDS:-900}" ]; then
            tail -n 20 "$work/serial" >&2
            echo "emulate: the emulator ended or took too long: see $work" >&2
            exit 125
        fi
    done
    kill -9 $bochs
    wait $bochs 2>/dev/null || true
    rm -r "$work"
    exit "$status"
}

run_neon() {
    local root=$cache/neon test
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$root/usr/bin/aarch64-linux-gnu-gcc
    test=$(RUSTC=$root/rustc build aarch64-unknown-linux-gnu)
    export QEMU_CPU=${QEMU_CPU:-max}
    cd crates/epee-nn
    LD_LIBRARY_PATH=$root/$lib exec "$root/usr/bin/qemu-aarch64" -U LD_LIBRARY_PATH "$test" ${filter:+"$filter"}
}

case $kind in
    avx512 | neon)
        [ -e "$cache/$kind/done" ] || "install_$kind"
        "run_$kind"
        ;;
    *)
        echo "$usage" >&2
        exit 2
        ;;
esac
