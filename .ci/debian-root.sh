# Sourced by .ci/on-debian and .ci/try-dockerfile: a fresh Debian in the folder $root (debootstrap), as root on a Debian or Ubuntu.
# KEEP=folder keeps the root there, and uses it again; DEBIAN_MIRROR names another mirror.
root=${KEEP:-$(mktemp -d)}
mkdir -p "$root"
chmod 755 "$root"  # mktemp lets in nobody but root
# What this machine reaches the package index with, beside its resolver and its certificates (below).
mapfile -t settings < <(env | grep -E '^(PIP_[A-Z_]+|SSL_CERT_FILE|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)=' || true)

# make_root SUITE [PACKAGE,PACKAGE]
make_root() {
  command -v debootstrap >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }
  if [ ! -x "$root/usr/bin/apt-get" ]; then
    debootstrap --variant=minbase ${2:+--include="$2"} "$1" "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} \
      >"$root.log" 2>&1 || { tail -20 "$root.log"; exit 1; }
    rm -f "$root.log"
  fi
  mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
}

# The root's own certificates, which a package may just have installed, know no authority that this machine was told of.
lend_network() {
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  mkdir -p "$root/etc/ssl/certs"
  [ ! -f /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
}

remove_root() {
  mountpoint -q "$root/proc" && umount "$root/proc"
  [ -n "${KEEP:-}" ] || rm -rf --one-file-system "$root"
}
