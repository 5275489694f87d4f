//! What cloud-init finds at a machine's first start: a small disk of the kind `NoCloud`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::journal::{make_folder, write_whole};
use crate::linux::check;
use crate::linux::users::SEED;
use crate::machine::run;
use crate::protocol::Request;

/// Programs that make the disk, the first that there is.
const MAKERS: [(&str, &[&str]); 2] = [("genisoimage", &[]), ("xorriso", &["-as", "genisoimage"])];

/// What user data may begin with, and what cloud-init calls that.
const KINDS: [(&str, &str); 6] = [
    ("#cloud-config", "text/cloud-config"),
    ("#!", "text/x-shellscript"),
    ("#cloud-boothook", "text/cloud-boothook"),
    ("#include", "text/x-include-url"),
    ("#cloud-config-archive", "text/cloud-config-archive"),
    ("## template: jinja", "text/jinja2"),
];

/// How cloud-init merges what is added to what the renter's document says: it goes to the end of
/// its lists. By default a later document replaces what earlier ones say of the same key.
const ADD_TO_LISTS: &str = "dict(no_replace,recurse_list)+list(append)+str()";

/// Shuts passwords out before OpenSSH's server starts. cloud-init obeys `ssh_pwauth` only in its
/// stage `config`, when that has been running for seconds.
const NO_PASSWORDS: &str = "#cloud-boothook\n#!/bin/sh\n\
    mkdir -p /etc/ssh/sshd_config.d\n\
    printf 'PasswordAuthentication no\\nKbdInteractiveAuthentication no\\n' \
    > /etc/ssh/sshd_config.d/00-slice.conf\n";

/// The files of the disk.
#[derive(Debug)]
pub(super) struct Seed {
    user_data: String,
    meta_data: String,
}

impl Seed {
    /// An error is one of the renter's user data.
    pub(super) fn new(
        request: &Request,
        host_key: &str,
        host_key_public: &str,
    ) -> Result<Seed, String> {
        // JSON is YAML, and quotes everything.
        let ours = json!({
            "ssh_pwauth": false,
            "disable_root": false,
            "ssh_deletekeys": true,
            "ssh_keys": { "ed25519_private": host_key, "ed25519_public": host_key_public },
        });
        let added = json!({
            "merge_how": ADD_TO_LISTS,
            "ssh_authorized_keys": request.ssh_keys,
            "packages": ["qemu-guest-agent"],
            // The package starts it at the next boot only.
            "runcmd": ["systemctl start qemu-guest-agent.service || true"],
        });
        let documents = [ours, added].map(|it| format!("#cloud-config\n{it:#}\n"));
        let check = request.check.as_deref().map(check::script);
        let theirs = request.user_data.as_deref();
        let user_data = multipart(theirs, &documents, check.as_deref(), &request.rental_id)?;
        let name = request.slice_id.replace('_', "-");
        // The rental is what makes it another machine than the one before.
        let meta_data = json!({ "instance-id": request.rental_id, "local-hostname": name });
        Ok(Seed { user_data, meta_data: format!("{meta_data:#}\n") })
    }

    /// Makes `seed.iso` in the machine's folder.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let files = folder.join("seed");
        make_folder(&files)?;
        // Without a third, `network-config`, cloud-init asks for an address on the first card.
        for (name, text) in [("user-data", &self.user_data), ("meta-data", &self.meta_data)] {
            write_whole(&files.join(name), text.as_bytes(), 0o600)?;
        }
        let part = folder.join("seed.part");
        let mut made = Ok(());
        for (program, first) in MAKERS {
            let mut command = Command::new(program);
            command.args(first).args(["-quiet", "-volid", "cidata", "-joliet", "-rational-rock"]);
            command.arg("-output").arg(&part).arg(&files);
            made = run(&mut command);
            if made.is_ok() {
                break;
            }
        }
        made.context("making the disk for cloud-init (package genisoimage or xorriso)")?;
        fs::rename(&part, folder.join(SEED)).context("keeping the disk for cloud-init")
    }
}

/// Every document, ours after theirs: cloud-init lets the later one win, so that nobody's user
/// data changes host keys or lets passwords in. What is `added` is appended to their lists: keys,
/// packages and commands of their own stay.
fn multipart(
    theirs: Option<&str>,
    [ours, added]: &[String; 2],
    check: Option<&str>,
    rental_id: &str,
) -> Result<String, String> {
    let boundary = format!("=={rental_id}==");
    let part = |kind: &str, name: &str, text: &str| {
        format!(
            "--{boundary}\nContent-Type: {kind}; charset=\"utf-8\"\nMIME-Version: 1.0\n\
             Content-Transfer-Encoding: 8bit\nContent-Disposition: attachment; \
             filename=\"{name}\"\n\n{text}\n"
        )
    };
    let theirs = match theirs {
        None => String::new(),
        Some(text) if text.contains(&boundary) => {
            return Err("the user data has the rental's boundary in it".to_owned());
        }
        Some(text) => part(kind(text)?, "renter", text),
    };
    let check = check.map(|text| part("text/x-shellscript", "zz-check", text)).unwrap_or_default();
    Ok(format!(
        "Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n\n\
         {theirs}{}{}{}{check}--{boundary}--\n",
        part("text/cloud-config", "slice", ours),
        part("text/cloud-config", "added", added),
        part("text/cloud-boothook", "no-passwords", NO_PASSWORDS),
    ))
}

/// What cloud-init calls a document that begins like this.
fn kind(text: &str) -> Result<&'static str, String> {
    let kind = KINDS.iter().filter(|(start, _)| text.starts_with(start));
    // `#cloud-config-archive` begins with `#cloud-config`: the longest counts.
    let kind = kind.max_by_key(|(start, _)| start.len());
    let (_, kind) = kind.ok_or("the user data has no cloud-init header")?;
    Ok(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Action, VERSION};

    fn request(user_data: Option<&str>) -> Request {
        Request {
            version: VERSION,
            action: Action::Create,
            slice_id: "node32_slice_1".to_owned(),
            rental_id: "r1".to_owned(),
            cpu_cores: 1,
            memory_mib: 4096,
            disk_gib: 200,
            ssh_keys: vec!["ssh-ed25519 AAAAC3NzaC1lZDI1 a: \"b\" #c".to_owned()],
            user_data: user_data.map(str::to_owned),
            ports: Vec::new(),
            check: None,
            password_hash: None,
        }
    }

    #[test]
    fn cloud_init_is_told_keys_and_nothing_else() {
        let seed = Seed::new(&request(None), "-----BEGIN\nabc\n", "ssh-ed25519 AAAA").unwrap();
        let document = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let (_, text) = seed.user_data.split_once("#cloud-config\n").unwrap();
        let (text, after) = text.split_once("\n--==r1==\n").unwrap();
        let document = document(text);
        assert_eq!(document.get("ssh_authorized_keys"), None);
        assert_eq!(document["ssh_pwauth"], false);
        let (_, added) = after.split_once("#cloud-config\n").unwrap();
        let (added, after) = added.split_once("\n--==r1==\n").unwrap();
        let added: serde_json::Value = serde_json::from_str(added).unwrap();
        assert_eq!(added["ssh_authorized_keys"][0], "ssh-ed25519 AAAAC3NzaC1lZDI1 a: \"b\" #c");
        assert_eq!(added["packages"], json!(["qemu-guest-agent"]));
        // With this the lists of an earlier document stay: the test that boots sees to it.
        assert_eq!(added["merge_how"], "dict(no_replace,recurse_list)+list(append)+str()");
        assert_eq!(document["ssh_keys"]["ed25519_private"], "-----BEGIN\nabc\n");
        assert!(after.contains("text/cloud-boothook") && after.contains("PasswordAuth"), "{after}");
        assert!(seed.meta_data.contains("\"instance-id\": \"r1\""));
        assert!(seed.meta_data.contains("\"local-hostname\": \"node32-slice-1\""));
    }

    #[test]
    fn a_check_is_a_script_of_its_own_that_runs_last() {
        let request = Request {
            check: Some("docker info".to_owned()),
            ..request(Some("#cloud-config\nruncmd: [[true]]\n"))
        };
        let seed = Seed::new(&request, "k", "p").unwrap();
        // Scripts run in the order of their names; `runcmd` is one of them.
        let (_, script) = seed.user_data.split_once("filename=\"zz-check\"\n\n").unwrap();
        assert!(script.starts_with("#!/bin/sh\n") && script.contains("\ndocker info\n"));
    }

    #[test]
    fn the_renters_document_comes_first_and_ours_wins() {
        let check = |text: &str, expected: Result<&str, ()>| {
            let seed = Seed::new(&request(Some(text)), "k", "p").map_err(|_| ());
            match (seed, expected) {
                (Ok(seed), Ok(kind)) => {
                    let theirs = seed.user_data.find(&format!("Content-Type: {kind};")).unwrap();
                    let ours = seed.user_data.rfind("ssh_pwauth").unwrap();
                    assert!(theirs < ours);
                    assert!(seed.user_data.ends_with("--==r1==--\n"));
                }
                (Err(()), Err(())) => {}
                (seed, expected) => panic!("{text}: {seed:?}, not {expected:?}"),
            }
        };
        check("#cloud-config\npackages: [docker.io]\n", Ok("text/cloud-config"));
        check("#!/bin/sh\ntrue\n", Ok("text/x-shellscript"));
        check("#cloud-config-archive\n- a\n", Ok("text/cloud-config-archive"));
        check("packages: [docker.io]\n", Err(()));
        check("#cloud-config\n--==r1==\n", Err(()));
    }
}
