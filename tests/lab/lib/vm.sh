# A virtual machine with Debian's own kernel, for what the kernel of this machine may lack. It sees the files of this machine as they
# are; what it writes is in its memory and goes with it. Emulated: it needs no KVM, and is about ten times slower.

# vm_kernel: fetches the kernel once; VM_KERNEL is where its files are then.
vm_kernel() {
    local package
    package=$(vm_kernel_package)
    [ -n "$package" ] || { apt-get update && package=$(vm_kernel_package); }
    [ -n "$package" ] || return 1
    VM_KERNEL=$CN2_RUN/vm/$package
    [ ! -e "$VM_KERNEL/ready" ] || return 0
    rm -rf "$CN2_RUN/vm"
    mkdir -p "$VM_KERNEL"
    (cd "$CN2_RUN/vm" && apt-get -o APT::Sandbox::User=root download "$package" && dpkg -x ./*.deb "$VM_KERNEL" && rm ./*.deb) || return 1
    busybox depmod -b "$VM_KERNEL" "$(ls "$VM_KERNEL/lib/modules")" && touch "$VM_KERNEL/ready"
}

vm_kernel_package() { apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1; }

# vm_initramfs FILE: busybox, what it needs to mount this machine's files, and tests/lab/vm/init.
vm_initramfs() {
    local root=$CN2_RUN/vm/initramfs modules module file
    modules=lib/modules/$(ls "$VM_KERNEL/lib/modules")
    rm -rf "$root"
    mkdir -p "$root"/{bin,proc,sys,dev} "$root/$modules"
    cp "$(command -v busybox)" "$root/bin/busybox"
    install -m 755 tests/lab/vm/init "$root/init"
    cp "$VM_KERNEL/$modules"/modules.dep "$root/$modules/"
    for module in virtio_pci virtiofs overlay; do
        for file in $(sed -n "s|^\([^:]*/$module\.ko[^:]*\):|\1|p" "$VM_KERNEL/$modules/modules.dep"); do
            install -D "$VM_KERNEL/$modules/$file" "$root/$modules/$file"
        done
    done
    (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$1"
}

# vm_run SCRIPT SECONDS: what it says is on standard output afterwards; its own exit code is the script's.
vm_run() (
    script=$1 patience=$2 work=$CN2_RUN/vm files='' machine=''
    trap 'kill $machine $files 2>/dev/null || true' EXIT
    trap 'exit 143' TERM INT HUP
    vm_initramfs "$work/initramfs.gz"
    rm -f "$work/files.sock"
    /usr/lib/qemu/virtiofsd --socket-path="$work/files.sock" -o source=/ -o sandbox=chroot -o cache=always -f >"$work/virtiofsd.log" 2>&1 &
    files=$!
    for _ in {1..50}; do
        [ ! -S "$work/files.sock" ] || break
        sleep 0.1
    done
    # The firmware has the first serial port to itself. Without SMAP, as its emulation fails .NET's way to restore a thread (iretq).
    # One processor: emulated threads that wait for each other on two cost twice the time.
    timeout -k 5 "$patience" qemu-system-x86_64 -M q35 -accel tcg -cpu max,-smap -smp 1 -m 3072 -nodefaults -display none -no-reboot \
        -object memory-backend-memfd,id=memory,size=3072M,share=on -numa node,memdev=memory \
        -chardev "socket,id=files,path=$work/files.sock" -device vhost-user-fs-pci,chardev=files,tag=host \
        -kernel "$(ls "$VM_KERNEL"/boot/vmlinuz-*)" -initrd "$work/initramfs.gz" -serial null -serial stdio \
        -append "console=ttyS1 quiet panic=-1 mitigations=off cn2.modules=$VM_KERNEL/lib/modules cn2.script=$script" </dev/null >"$work/said.log" 2>&1 &
    machine=$!
    wait "$machine" || true
    tr -d '\r' <"$work/said.log"
    status=$(sed -n 's/^the machine ends with \([0-9]*\)\r*$/\1/p' "$work/said.log")
    exit "${status:-124}"
)
