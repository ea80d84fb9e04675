# Shared by the scripts: finds what is missing on a fresh machine, installs it with the system's package
# manager where it may, and says so. Sourced, not run.

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# need_packages PROGRAM_OR_PATH=PACKAGE …: installs the Debian packages whose program is not there.
need_packages() {
  local missing=() pair program package
  for pair in "$@"; do
    program=${pair%%=*} package=${pair#*=}
    # Programs outside PATH are given as a path pattern.
    if [[ $program == /* ]]; then compgen -G "$program" >/dev/null || missing+=("$package")
    else command -v "$program" >/dev/null || missing+=("$package"); fi
  done
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null && as_root=(sudo -n)
    [ ${#as_root[@]} -gt 0 ] || fail "these packages are missing: ${missing[*]}
Install them as root (Debian: apt-get install ${missing[*]}) and run this again."
  fi
  command -v apt-get >/dev/null || fail "these Debian packages are missing, and there is no apt-get to install them: ${missing[*]}
Install what your system calls them and run this again."
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# need_rust: cargo with the toolchain that rust-toolchain.toml names.
need_rust() {
  [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  command -v cargo >/dev/null || fail "cargo is missing. Install rustup (https://rustup.rs), which then fetches the
version that rust-toolchain.toml names, and run this again."
  need_packages cc=gcc
}
