#!/bin/bash
# A mail server for the tests: Postfix takes mail by SMTP and hands it by LMTP to Dovecot, which shows it by IMAP.
#
#   mailserver.sh FOLDER BASE
#
# Prints "ready" once everything answers, then stays until its standard input ends, stops the servers and removes FOLDER:
# so they end with the test that started them, however it ends. Needs root for Postfix; listens on 127.0.0.1 alone.
#
#   BASE+25   SMTP without a login       BASE+465  SMTP inside TLS, with a login
#   BASE+587  SMTP with STARTTLS and a login, both required
#   BASE+24   LMTP      BASE+143  IMAP   BASE+12   Dovecot's password check, for Postfix
#
# Every address at test.local exists, with the password "secret"; FOLDER/ca.pem signed the certificate for localhost and
# 127.0.0.1. All mail goes to INBOX; users named dedupe-… keep one mail for each Message-ID. Dovecot knows no letters beyond ASCII
# in addresses (SMTPUTF8), which Postfix does: mail to letters.local and bücher.local goes to the Maildir FOLDER/letters/all instead.
set -euo pipefail

folder=$1 base=$2
smtp=$((base + 25)) submission=$((base + 587)) smtps=$((base + 465))
lmtp=$((base + 24)) imap=$((base + 143)) sasl=$((base + 12))

mkdir -p "$folder"/{postfix,queue,data,run,log,sieve,mail,letters}
chmod 755 "$folder"

certificate() {
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  openssl req -x509 "${key[@]}" -days 2 -subj "/CN=feeds test authority" -keyout "$folder/ca.key" -out "$folder/ca.pem" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  openssl req "${key[@]}" -subj "/CN=localhost" -keyout "$folder/key.pem" -out "$folder/request.pem"
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' \
    >"$folder/extensions"
  openssl x509 -req -in "$folder/request.pem" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
    -extfile "$folder/extensions" -out "$folder/cert.pem"
  chmod 600 "$folder/key.pem" "$folder/ca.key"
}

dovecot_settings() {
  cat >"$folder/sieve/default.sieve" <<'END'
require ["duplicate", "envelope"];
if allof(envelope :localpart :matches "to" "dedupe-*", duplicate) {
  discard;
}
END
  cat >"$folder/dovecot.conf" <<END
instance_name = feeds-test-$base
base_dir = $folder/run
state_dir = $folder/run
log_path = $folder/log/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
ssl = yes
ssl_cert = <$folder/cert.pem
ssl_key = <$folder/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
first_valid_uid = 1
mail_location = maildir:~/Maildir
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$folder/mail/%Ln
}
plugin {
  sieve_default = $folder/sieve/default.sieve
}
protocol lmtp {
  mail_plugins = sieve
  postmaster_address = postmaster@test.local
}
service imap-login {
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $lmtp
  }
}
service auth {
  inet_listener sasl {
    address = 127.0.0.1
    port = $sasl
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
END
  chown -R mail:mail "$folder/mail" "$folder/letters" "$folder/sieve"
}

postfix_settings() {
  cat >"$folder/postfix/main.cf" <<END
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $folder/log/postfix.log
maillog_file_prefixes = $folder/log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.test.local
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = test.local letters.local xn--bcher-kva.local
transport_maps = inline:{ { letters.local = virtual: } { xn--bcher-kva.local = virtual: } }
virtual_mailbox_base = $folder/letters
virtual_mailbox_maps = static:all/
virtual_minimum_uid = 1
virtual_uid_maps = static:$(id -u mail)
virtual_gid_maps = static:$(id -g mail)
virtual_transport = lmtp:inet:127.0.0.1:$lmtp
lmtp_destination_concurrency_limit = 1
default_transport = error:this server delivers to test.local alone
disable_dns_lookups = yes
message_size_limit = 26214400
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:$sasl
smtpd_tls_cert_file = $folder/cert.pem
smtpd_tls_key_file = $folder/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
END
  # Nothing is chrooted: the queue lies in a temporary folder without the files that a chroot would need.
  local login="-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject"
  cat >"$folder/postfix/master.cf" <<END
127.0.0.1:$smtp inet n - n - - smtpd
127.0.0.1:$submission inet n - n - - smtpd -o smtpd_tls_security_level=encrypt $login
127.0.0.1:$smtps inet n - n - - smtpd -o smtpd_tls_wrappermode=yes $login
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
END
  chown postfix "$folder/data"
}

answers() {
  local tries=0
  until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
    tries=$((tries + 1))
    if ((tries > 250)); then
      echo "nothing answers on port $1"
      return 1
    fi
    sleep 0.02
  done
}

stop() {
  postfix -c "$folder/postfix" stop || true
  doveadm -c "$folder/dovecot.conf" stop || true
  rm -rf "$folder"
}

# A signal ends the wait at the bottom, never this script before the servers are stopped.
trap : INT TERM HUP
exec 4>&1 >>"$folder/log/start.log" 2>&1
trap 'stop </dev/null' EXIT
{
  certificate
  dovecot_settings
  postfix_settings
  dovecot -c "$folder/dovecot.conf"
  sievec -c "$folder/dovecot.conf" "$folder/sieve/default.sieve" || true
  postfix -c "$folder/postfix" start
  for port in "$smtp" "$submission" "$smtps" "$lmtp" "$imap" "$sasl"; do answers "$port"; done
} </dev/null 4>&- || { tail -n 20 "$folder"/log/*.log >&4; exit 1; }
echo ready >&4
exec 4>&-
cat >/dev/null
