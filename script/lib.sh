# shellcheck shell=bash
# Shared by the scripts beside it: where things are kept, and a PostgreSQL of one's own.
# Sourced, never run. Nothing is kept inside the checkout.

# Folder for tools and builds that may be deleted at any time.
cache_folder() {
    printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/rekey"
}

# Installs what a list of Python packages names, once, and prints the folder. It is named after the list, so that a
# changed list never meets old tools.
python_tools() {
    local folder
    folder=$(cache_folder)/tools-$(cksum <"$1" | cut -d ' ' -f 1)
    if [ ! -e "$folder/complete" ]; then
        rm -rf "$folder"
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$1" >&2
        touch "$folder/complete"
    fi
    printf '%s\n' "$folder"
}

# Fetches axe-core once, which judges the pages for assistive technology, and prints its file.
axe_core() {
    local version=4.14.1 folder
    folder=$(cache_folder)/axe-core-$version
    if [ ! -e "$folder/package/axe.min.js" ]; then
        mkdir -p "$folder"
        (cd "$folder" && npm pack --silent "axe-core@$version" | xargs tar xzf) >&2
    fi
    printf '%s\n' "$folder/package/axe.min.js"
}

# Installs otplib once, an authenticator for Node, and prints the folder of its modules.
otplib() {
    local version=12.0.1 folder
    folder=$(cache_folder)/otplib-$version
    if [ ! -e "$folder/complete" ]; then
        rm -rf "$folder"
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" "otplib@$version" >&2
        touch "$folder/complete"
    fi
    printf '%s\n' "$folder/node_modules"
}

# Prints a program of the PostgreSQL server, which Debian keeps off PATH.
postgres_program() {
    local found
    found=$(command -v "$1" || true)
    [ -n "$found" ] || found=$(compgen -G "/usr/lib/postgresql/*/bin/$1" | sort -V | tail -n 1 || true)
    if [ -z "$found" ]; then
        echo "PostgreSQL's $1 is missing: run script/setup" >&2
        return 1
    fi
    printf '%s\n' "$found"
}

# Runs a server's program in its folder; PostgreSQL refuses to run as root.
as_postgres() (
    cd "$postgres_folder" || exit
    if [ "$(id -u)" -eq 0 ]; then
        exec setpriv --reuid=postgres --regid=postgres --init-groups --reset-env "$@" </dev/null
    fi
    exec "$@" </dev/null
)

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Starts an empty PostgreSQL on loopback, exports REKEY_TEST_POSTGRES with its URL, and removes it when the script
# ends. It syncs only where it is told "on": tests lose nothing by a crash.
start_postgres() {
    local initdb port options syncs=${1:-off}
    initdb=$(postgres_program initdb)
    pg_ctl=$(postgres_program pg_ctl)
    postgres_folder=$(mktemp -d "${TMPDIR:-/tmp}/rekey-postgres.XXXXXX")
    trap stop_postgres EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    [ "$(id -u)" -ne 0 ] || chown postgres: "$postgres_folder"
    as_postgres "$initdb" --pgdata=data --username=rekey --auth=trust --no-sync --encoding=UTF8 --locale=C >/dev/null
    for _ in 1 2 3; do
        port=$(free_port)
        options="-p $port -k $postgres_folder -c listen_addresses=127.0.0.1 -c max_connections=300"
        options="$options -c fsync=$syncs -c full_page_writes=$syncs -c synchronous_commit=$syncs"
        if as_postgres "$pg_ctl" start --wait --silent --pgdata=data --log=log --options="$options"; then
            export REKEY_TEST_POSTGRES="postgres://rekey@127.0.0.1:$port/postgres"
            return 0
        fi
    done
    cat "$postgres_folder/log" >&2
    return 1
}

stop_postgres() {
    as_postgres "$pg_ctl" stop --silent --mode=immediate --pgdata=data >/dev/null 2>&1 || true
    rm -rf "$postgres_folder"
}
