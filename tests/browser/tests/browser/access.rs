//! From a key to a login and its end, with a real agent at the farm: what the renter sees while a
//! machine is set up, its console, a machine that comes to nothing, and what the farmer sees.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use browser::{ENTER, Tab, journey};
use e2e::{Client, Market, PASSWORD, POLL_SECONDS, Rack};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixListener;

const FARMER: &str = "farmer@example.org";
const RENTER: &str = "ada@example.org";
const KEYS: &str = "/dashboard/settings/ssh-keys";
const NODE: &str = "/dashboard/farm/nodes/node32";

/// Two farms with an agent each, on the first of which the renter has a machine made.
struct Stage {
    market: Market,
    farmer: Client,
    other: Client,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the agent, another program, has the system's clock")]
async fn a_renter_gets_into_a_machine_and_out_of_a_bad_one() {
    let market = Market::start().await;
    // The agent says when a link is over.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    market.set_clock(i64::try_from(now.as_secs()).unwrap());
    let farmer = market.sign_up(FARMER).await;
    farmer.publish(32, "25").await;
    let other = market.sign_up("other@example.org").await;
    other.publish(17, "24").await;
    market.sign_up_with(RENTER, "200").await;
    let stage = Arc::new(Stage { market, farmer, other });
    let url = stage.market.url();
    journey(&url, |tab| async move {
        let mut rack = stage.rack(&stage.farmer, 32).await;
        tokio::spawn(play_machine(rack.console_socket()));
        stage.start(&mut rack, 32).await;
        sign_in(&tab, RENTER).await;
        register_a_key(&tab, &rack).await;
        rent_with_it(&tab).await;
        get_in(&tab, &rack).await;
        open_the_console(&tab).await;
        rack.refuse("the disk is full");
        meet_a_farm_that_cannot(&tab).await;
        let mut second = stage.rack(&stage.other, 17).await;
        second.take_keys_of(&rack);
        stage.start(&mut second, 17).await;
        go_on_elsewhere(&tab, &second).await;
        rack.kill();
        // A question that it had just asked may still be answered, to nobody.
        tokio::time::sleep(Duration::from_secs(POLL_SECONDS + 1)).await;
        end_the_first(&tab).await;
        see_what_is_being_removed(&tab, &mut rack).await;
        stage.market.check_invariants().await;
    })
    .await;
}

impl Stage {
    async fn rack(&self, farmer: &Client, node: u32) -> Rack {
        Rack::new(&self.market.url(), &self.market.agent_token(farmer, node).await)
    }

    /// Starts an agent, and waits until the market knows that the node's farm has one.
    async fn start(&self, rack: &mut Rack, node: u32) {
        rack.start();
        let path = format!("/api/marketplace/nodes/node{node}");
        for _ in 0..240 {
            if self.farmer.get(&path).await.ok(200)["automatic_setup"] == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("the agent of node{node} has not asked for jobs within a minute");
    }
}

/// A machine's serial console: it asks who is there, and shows what is typed in capitals.
async fn play_machine(socket: PathBuf) {
    let listener = UnixListener::bind(socket).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let (typed, mut shown) = stream.into_split();
        shown.write_all(b"\r\nDebian GNU/Linux 13 node32 ttyS0\r\n\r\nlogin: ").await.unwrap();
        let mut lines = BufReader::new(typed).split(b'\r');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line).to_uppercase();
            let text = format!("{line}\r\n\x1b[1;31mLogin incorrect\x1b[0m\r\nlogin: ");
            shown.write_all(text.as_bytes()).await.unwrap();
        }
    }
}

async fn sign_in(tab: &Tab, email: &str) {
    tab.open("/login").await;
    tab.fill("email", email).await;
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    tab.see(email).await;
}

async fn register_a_key(tab: &Tab, rack: &Rack) {
    tab.open(KEYS).await;
    tab.arrive("SSH keys").await;
    tab.take_pictures("80-ssh-keys-none").await;
    tab.fill("public_key", "ssh-dss AAAAB3NzaC1kc3MAAACBAP").await;
    tab.press("Add key").await;
    tab.see("One public key in OpenSSH format").await;
    // The browser complains of the status.
    tab.clear_console().await;
    tab.take_pictures("81-ssh-key-refused").await;
    tab.fill("public_key", &rack.public_key()).await;
    tab.press("Add key").await;
    tab.see("default").await;
    tab.take_pictures("82-ssh-keys").await;
}

async fn rent_with_it(tab: &Tab) {
    tab.open("/marketplace/compute/node32").await;
    tab.press("Rent a slice").await;
    tab.see("SSH key").await;
    tab.take_pictures_of_dialog("83-dialog-with-key").await;
    tab.press("Rent for $25.00").await;
    tab.see("Rented and paid for the full term.").await;
    tab.arrive("node32_slice_1").await;
}

/// The page comes to its end by itself, without a reload.
async fn get_in(tab: &Tab, rack: &Rack) {
    tab.see("Connection verified").await;
    tab.take_pictures("84-machine-on-its-way").await;
    tab.see("ssh -p").await;
    tab.take_pictures("85-machine-ready").await;
    tab.click(".machine summary").await;
    tab.take_pictures("86-machine-for-ssh").await;
    let texts = tab.script(
        "return [...document.querySelectorAll('.machine pre.command')].map(it => it.textContent)",
    );
    let texts: Vec<String> = serde_json::from_value(texts.await).unwrap();
    rack.check_login(&texts[0], &texts[1]);
}

async fn open_the_console(tab: &Tab) {
    tab.press("Open console").await;
    tab.arrive("Console").await;
    tab.see("The link works once").await;
    tab.take_pictures("87-console-link").await;
    tab.be_a_mac().await;
    tab.press("Open console").await;
    tab.see("Connected.").await;
    // Whoever comes first may have missed what the machine said before.
    tab.key("ada").await;
    // Option+L on a German keyboard, and no Meta key.
    tab.key_with_option("@").await;
    tab.key(ENTER).await;
    tab.see("ADA@").await;
    tab.see("Login incorrect").await;
    tab.take_pictures("88-console").await;
}

async fn meet_a_farm_that_cannot(tab: &Tab) {
    tab.open("/marketplace/compute/node32").await;
    tab.press("Rent a slice").await;
    tab.press("Rent for $25.00").await;
    tab.arrive("node32_slice_2").await;
    tab.see("Message from the farm's agent: the disk is full").await;
    tab.take_pictures("89-machine-failed").await;
}

async fn go_on_elsewhere(tab: &Tab, second: &Rack) {
    tab.press("Move to another slice").await;
    tab.see("You can have it set up on another slice").await;
    tab.take_pictures("90-another-slice").await;
    tab.press("Move to node17_slice_1").await;
    tab.arrive("node17_slice_1").await;
    tab.see("ssh -p").await;
    tab.take_pictures("91-machine-elsewhere").await;
    let command = tab.text(".machine pre.command").await;
    let hosts = "return document.querySelectorAll('.machine pre.command')[1].textContent";
    let hosts = tab.script(hosts).await;
    second.check_login(&command, hosts.as_str().unwrap());
}

async fn end_the_first(tab: &Tab) {
    tab.open("/dashboard/slices").await;
    tab.press("node32_slice_1").await;
    tab.arrive("node32_slice_1").await;
    tab.press("Billing").await;
    tab.see("Auto-renew").await;
    tab.click("#end a").await;
    tab.click("main button.danger").await;
    tab.see("Rental ended. The refund is in your wallet.").await;
}

async fn see_what_is_being_removed(tab: &Tab, rack: &mut Rack) {
    tab.press("Sign out").await;
    tab.see("You are signed out.").await;
    sign_in(tab, FARMER).await;
    tab.open(NODE).await;
    tab.see("being removed").await;
    tab.see("8 available, 1 being removed").await;
    tab.take_pictures("92-node-with-removal").await;
    rack.start();
    tab.see("9 available.").await;
    tab.take_pictures("93-node-free-again").await;
}
