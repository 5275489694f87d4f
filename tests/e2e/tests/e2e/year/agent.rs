//! The agent of the year's farm: it makes and removes machines, and reports how they are, unless it
//! can't tell.

use std::collections::BTreeMap;

use e2e::Client;
use serde_json::{Value, json};

use super::reckoning::{Machine, Report, Reported};
use super::{DAY, HOUR, Outlived, STEP, World, text};

/// A report comes so long before the grid is asked. Seconds.
const BEFORE: i64 = 60;
const KEY: &str = "ssh-ed25519 \
    AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl";

/// How a machine is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Fine,
    /// Its network is gone.
    Silent,
    /// Its SSH is broken, from inside.
    Broken,
    Paused,
    /// Its renter has shut it down.
    Off,
    /// It has gone off, and can't be started.
    Dead,
    Lost,
    /// Its agent can't tell.
    Unknown,
}

/// A machine that the agent has.
struct Kept {
    rental: String,
    node: u32,
    renter: usize,
    condition: Condition,
    /// When that is over.
    until: i64,
    /// Whether it was last to be started, and could not be.
    could_not_start: bool,
    /// Whether it has answered when it was last looked at.
    answers: bool,
}

/// The agent, with its machines by slice.
pub(crate) struct Agent {
    client: Client,
    machines: BTreeMap<String, Kept>,
    /// It reports nothing until then.
    mute_until: i64,
}

impl Agent {
    pub(crate) fn new(client: Client) -> Agent {
        Agent { client, machines: BTreeMap::new(), mute_until: 0 }
    }
}

/// A key of each renter, without which nothing is set up.
pub(crate) async fn add_key(renter: &Client) {
    renter.post("/api/account/ssh-keys", &json!({ "public_key": KEY })).await.ok(201);
}

impl World {
    /// Does what there is to do.
    pub(crate) async fn work(&mut self) {
        loop {
            let lease = json!({ "agent": "rack", "wait_seconds": 0 });
            let answer = self.agent.client.post("/api/agent/jobs/lease", &lease).await;
            if answer.status == 204 {
                return;
            }
            self.do_job(&answer.ok(200)["job"]).await;
        }
    }

    async fn do_job(&mut self, job: &Value) {
        let (rental, kind) = (text(&job["rental_id"]), job["kind"].as_str().unwrap());
        let slice = text(&job["slice"]["id"]);
        let path = format!("/api/agent/jobs/{}", job["id"].as_str().unwrap());
        let mut done = json!({ "fence": job["fence"] });
        match kind {
            "create" => {
                done["access"] = json!({
                    "address": "203.0.113.7", "port": 2201, "user": "root", "host_keys": [KEY],
                    "console_url": null, "notes": null,
                });
                let rented = self.rented.iter().find(|it| it.id == rental).unwrap();
                let kept = Kept {
                    rental: rental.clone(),
                    node: rented.node,
                    renter: rented.renter,
                    condition: Condition::Fine,
                    until: 0,
                    could_not_start: false,
                    answers: false,
                };
                self.agent.machines.insert(slice.clone(), kept);
                let machine = Machine { made_at: self.market_time, reports: vec![] };
                self.seen.machines.insert((rental, slice), machine);
            }
            "remove" => drop(self.agent.machines.remove(&slice)),
            "start" => {
                let machine = self.agent.machines.get_mut(&slice).unwrap();
                machine.could_not_start = machine.condition == Condition::Dead;
                if machine.could_not_start {
                    done["reason"] = json!("its disk is broken");
                    done["retry"] = json!(false);
                    self.agent.client.post(&format!("{path}/fail"), &done).await.ok(200);
                    return;
                }
            }
            _ => self.agent.machines.get_mut(&slice).unwrap().could_not_start = false,
        }
        self.agent.client.post(&format!("{path}/complete"), &done).await.ok(200);
    }

    /// What becomes of the machines, and what the agent says of it.
    pub(crate) async fn report_machines(&mut self) {
        self.set_clock(self.now - BEFORE);
        let slices: Vec<String> = self.agent.machines.keys().cloned().collect();
        for slice in &slices {
            self.age(slice).await;
        }
        if self.one_in(120) {
            self.agent.mute_until = self.now + STEP + self.seconds_below(2 * DAY);
        }
        self.report().await;
    }

    /// What the agent says of its machines.
    async fn report(&mut self) {
        let mut reports = vec![];
        for (slice, machine) in &mut self.agent.machines {
            machine.answers = false;
            if self.now < self.agent.mute_until {
                continue;
            }
            let Some((reported, mut body)) = said(machine, self.dead.get(&machine.node)) else {
                continue;
            };
            machine.answers = reported == Reported::Answers;
            body["rental_id"] = json!(machine.rental);
            body["slice_id"] = json!(slice);
            body["can"] = json!(["power"]);
            reports.push(body);
            let report = Report { at: self.market_time, reported };
            let seen = (machine.rental.clone(), slice.clone());
            self.seen.machines.get_mut(&seen).unwrap().reports.push(report);
        }
        if reports.is_empty() {
            return;
        }
        let report = json!({ "agent": "rack", "machines": reports });
        let answer = self.agent.client.post("/api/agent/machines", &report).await.ok(200);
        // What it should not have any more, it removes.
        let expected = answer["machines"].as_array().unwrap().len();
        if expected < self.agent.machines.len() {
            self.work().await;
        }
        self.start_dead().await;
    }

    /// A machine's condition ends, or another one begins.
    async fn age(&mut self, slice: &str) {
        use Condition::{Broken, Dead, Fine, Lost, Paused, Silent, Unknown};
        // It may just have been removed.
        let Some(machine) = self.agent.machines.get(slice) else { return };
        let is_over = self.now >= machine.until;
        if machine.condition == Fine && self.one_in(70) {
            let next = *self.random.one_of(&[Silent, Silent, Broken, Paused, Dead, Lost, Unknown]);
            self.set_condition(slice, next);
        } else if is_over {
            self.mend(slice).await;
        }
    }

    /// A machine is as it should be again.
    async fn mend(&mut self, slice: &str) {
        use Condition::{Dead, Fine, Off};
        let Some(machine) = self.agent.machines.get_mut(slice) else { return };
        let condition = std::mem::replace(&mut machine.condition, Fine);
        if matches!(condition, Off | Dead) {
            self.switch(slice, "start").await;
        }
    }

    /// Lets a machine be so for hours or days.
    fn set_condition(&mut self, slice: &str, condition: Condition) {
        let long = if self.one_in(3) { 4 * DAY } else { DAY / 2 };
        let until = self.now + HOUR + self.seconds_below(long);
        let machine = self.agent.machines.get_mut(slice).unwrap();
        (machine.condition, machine.until) = (condition, until);
    }

    /// Renters try to start what has gone off by itself.
    async fn start_dead(&mut self) {
        let is_new = |it: &&Kept| it.condition == Condition::Dead && !it.could_not_start;
        let machines = self.agent.machines.iter().filter(|(_, it)| is_new(it));
        for slice in machines.map(|(slice, _)| slice.clone()).collect::<Vec<_>>() {
            self.switch(&slice, "start").await;
        }
    }

    /// A renter shuts a machine down, for a while.
    pub(crate) async fn shut_down(&mut self) {
        let is_fine = |(_, it): &(&String, &Kept)| it.condition == Condition::Fine;
        let fine: Vec<String> =
            self.agent.machines.iter().filter(is_fine).map(|(slice, _)| slice.clone()).collect();
        if fine.is_empty() {
            return;
        }
        let slice = self.random.one_of(&fine).clone();
        if self.switch(&slice, "shutdown").await {
            self.set_condition(&slice, Condition::Off);
        }
    }

    /// Has a machine switched, if its rental has not ended and its agent has said that it can be.
    async fn switch(&mut self, slice: &str, action: &str) -> bool {
        let Kept { rental, renter, .. } = &self.agent.machines[slice];
        let path = format!("/api/rentals/{rental}/actions");
        let number: u32 = slice.rsplit('_').next().unwrap().parse().unwrap();
        let asked = json!({ "action": action, "slice": number });
        let answer = self.renters[*renter].post(&path, &asked).await;
        if answer.status == 409 {
            return false;
        }
        answer.ok(201);
        self.work().await;
        true
    }

    /// Whether a machine of a node has just answered. Its rental may have ended since.
    pub(crate) async fn answers(&self, node: u32) -> bool {
        for machine in self.agent.machines.values() {
            if machine.node == node && machine.answers {
                let path = format!("/api/rentals/{}", machine.rental);
                let rental = self.renters[machine.renter].get(&path).await.ok(200);
                if rental["status"] != "ended" {
                    return true;
                }
            }
        }
        false
    }

    /// Every machine is as it should be again, and the agent says so.
    pub(crate) async fn mend_machines(&mut self) {
        self.set_clock(self.now - BEFORE);
        self.agent.mute_until = 0;
        let slices: Vec<String> = self.agent.machines.keys().cloned().collect();
        for slice in &slices {
            self.mend(slice).await;
        }
        self.report().await;
    }
}

/// What the agent says of a machine, whose node may be dead; nothing where it can't tell.
fn said(machine: &Kept, dead: Option<&Outlived>) -> Option<(Reported, Value)> {
    let running =
        |ssh: bool, open: bool| json!({ "state": "running", "ssh": ssh, "port_open": open });
    let condition = match (dead, machine.condition) {
        (Some(Outlived::Nothing), _) => Condition::Unknown,
        (Some(Outlived::Host), Condition::Fine | Condition::Broken) => Condition::Silent,
        (Some(Outlived::Host | Outlived::Machines) | None, condition) => condition,
    };
    Some(match condition {
        Condition::Fine => (Reported::Answers, running(true, false)),
        Condition::Silent => (Reported::Silent, running(false, false)),
        Condition::Broken => (Reported::PortOpen, running(false, true)),
        Condition::Paused => (Reported::Down, json!({ "state": "paused" })),
        Condition::Lost => (Reported::Down, json!({ "state": "absent" })),
        Condition::Off | Condition::Dead => {
            let reported = if machine.could_not_start { Reported::Down } else { Reported::Off };
            (reported, json!({ "state": "off" }))
        }
        Condition::Unknown => return None,
    })
}
