//! What events are called: in notifications, in the history of a rental and in the audit log.

use domain::audit::Action;
use domain::event::EventKind;
use domain::id::SliceId;
use domain::machine::MachineState;
use domain::machine_action::MachineAction;
use domain::notification::{NotificationCategory, Side};
use domain::provisioning::Step;
use domain::waitlist::TURN_SECONDS;
use store::events::Event;
use store::notifications::Notice;
use store::rentals::RentalEvent;
use web::text::{counted, sentence};

use crate::moment;

/// What an action or an event is called.
pub fn description(name: &str) -> String {
    let event = name.parse().ok().map(audit_words);
    match event.or_else(|| name.parse().ok().map(action_words)) {
        Some(words) => words.to_owned(),
        // An action of a newer version, which this one has no words for.
        None => sentence(name.replace('-', " ")).trim_end_matches('.').to_owned(),
    }
}

fn action_words(action: Action) -> &'static str {
    match action {
        Action::SignUp => "Account created",
        Action::SignIn => "Signed in",
        Action::SignInFailed => "Failed sign-in",
        Action::SignOut => "Signed out",
        Action::SessionEnded => "Session ended",
        Action::Verification => "Identity verified",
        Action::PasswordResetRequested => "Password reset requested",
        Action::PasswordChanged => "Password changed",
        Action::EmailChanged => "Email address changed",
        Action::PasskeyAdded => "Passkey added",
        Action::PasskeyRemoved => "Passkey removed",
        Action::TotpAdded => "Authenticator app set up",
        Action::TotpRemoved => "Authenticator app removed",
        Action::RecoveryCodesGenerated => "Recovery codes generated",
        Action::RecoveryCodeUsed => "Recovery code used",
        Action::TokenCreated => "API token created",
        Action::TokenRevoked => "API token revoked",
        Action::SshKeyAdded => "SSH key added",
        Action::SshKeyRemoved => "SSH key removed",
        Action::AccessViewed => "Machine access details viewed",
        Action::ConsoleOpened => "Machine console opened",
        Action::MachineActionRequested => "Machine action requested",
        Action::SetupConfirmed => "Machine setup confirmed",
        Action::RemovalConfirmed => "Machine removal confirmed",
        Action::PayoutSet => "Payout address set",
        Action::FarmClaimed => "Farm claimed by signature",
        Action::FarmClaimFailed => "Farm claim failed",
        Action::NodeTakeOver => "Node taken over",
        Action::FarmApproved => "Farm ownership approved by an operator",
        Action::FarmApprovalRevoked => "Farm ownership revoked by an operator",
        Action::DisplayNameSet => "Display name set",
        Action::PayoutChanged => "Payout handled by an operator",
        Action::LockSet => "Node offer locked",
        Action::LockLifted => "Node offer unlocked",
        Action::WebhookAdded => "Webhook added",
        Action::WebhookRemoved => "Webhook removed",
        Action::WebhookSecretRotated => "Webhook secret rotated",
        Action::AccountDeleted => "Account deleted",
        Action::CreditGranted => "Wallet credited",
        Action::PaymentRefused => "Unexpected payment received",
        Action::PaymentReversed => "Card payment reversed",
        Action::SlaCreditGranted => "SLA credit paid to a renter",
        Action::DisputeDecided => "SLA dispute decided by an operator",
        Action::IncidentPublished => "Incident published by an operator",
        Action::IncidentRemoved => "Incident removed by an operator",
        Action::AccountSuspended => "Account suspended",
        Action::AccountReactivated => "Account reactivated",
        Action::SessionsEnded => "Sessions ended",
        Action::OperatorGranted => "Operator access granted",
        Action::OperatorRevoked => "Operator access revoked",
        Action::MailRetried => "Email resent",
    }
}

/// What a notice says, in a clause without a period.
#[expect(clippy::too_many_lines, reason = "a list with a line for each")]
pub fn notification_title(notice: &Notice) -> String {
    let event = &notice.event;
    let node = event.node.map_or("a node".to_owned(), |node| node.to_string());
    let place = event.slice.map_or(node.clone(), |slice| slice.to_string());
    let is_renter = notice.side == Side::Renter;
    match event.kind {
        EventKind::SliceRented if is_renter => format!("You rented {place}"),
        EventKind::NodeRented if is_renter => format!("You rented the whole node {node}"),
        EventKind::SliceRented => format!("{place} was rented"),
        EventKind::NodeRented => format!("{node} was rented as a whole node"),
        EventKind::RentalEnded => format!("The rental of {place} ended"),
        EventKind::RentalExtended => format!("The rental of {place} was extended"),
        EventKind::RentalRenewed => format!("The rental of {place} was auto-renewed"),
        EventKind::AccessReady if is_renter => format!("Your slice {place} is ready"),
        EventKind::AccessReady => format!("The machine on {place} is ready"),
        EventKind::AccessFailed => format!("Setup of the machine on {place} failed"),
        EventKind::AccessChanged => format!("Your slice {place} has a new address"),
        EventKind::AccessLate => format!("Setup of the machine on {place} is overdue"),
        EventKind::ManualSetup => format!("Set up the machine on {place} within a day"),
        EventKind::ManualRemoval => format!("Remove the machine on {place} and confirm it"),
        EventKind::RentalRefunded => {
            format!("The rental of {place} was refunded in full because it had no access")
        }
        EventKind::RemovalLate => format!("Removal of the ended rental on {place} is overdue"),
        EventKind::SliceRemoved => format!("The ended rental on {place} was removed"),
        EventKind::SavedSearchFound => search_found(&node, event),
        EventKind::WaitlistOffered => turn_offered(&place, event),
        EventKind::WaitlistPassed => turn_passed(&node, event),
        EventKind::PriceSuggested => format!("A different price for {node} may earn more"),
        EventKind::SlaAtRisk => at_risk(&node, event.subject.as_deref()),
        EventKind::SlaMissed => format!("{node} misses its uptime SLA this month"),
        EventKind::SlaCredited if is_renter => {
            format!("You received an SLA credit for {place}, {}", month_and_amount(notice))
        }
        EventKind::SlaCredited => {
            format!("The renter of {place} received an SLA credit, {}", month_and_amount(notice))
        }
        EventKind::SlaDisputed => {
            format!("The SLA result of {place} is disputed")
        }
        EventKind::SlaDisputeDecided => {
            format!("The SLA dispute about {place} was decided, {}", month_and_amount(notice))
        }
        EventKind::MachineDown => {
            format!("The machine on {place} {}", down_words(notice.event.subject.as_deref()))
        }
        EventKind::MachineUp => format!("The machine on {place} is running again"),
        EventKind::MachineDiskFilling => {
            let full = event.subject.as_deref().unwrap_or("almost");
            format!(
                "The disk of your machine on {place} is {full} full: delete what you don't need"
            )
        }
        EventKind::ServerDiskLow => server_disk_low(event.subject.as_deref()),
        EventKind::MachineActionFailed => {
            let failed = machine_action_failed(notice.event.subject.as_deref());
            format!("The machine on {place} {failed}")
        }
        EventKind::RentalDown if is_renter => format!(
            "Your server on {place} has been down for 24 hours; you aren't charged for that time"
        ),
        EventKind::RentalDown => {
            format!("{place} has been down for 24 hours; you earn nothing with it until it is back")
        }
        EventKind::NodeDown => format!("{node} is down"),
        EventKind::NodeRecovered => format!("{node} is back up"),
        EventKind::NodeOversold => format!("{node} is oversold"),
        EventKind::NodeOversoldResolved => format!("{node} is no longer oversold"),
        EventKind::PayoutRequested => "A payout was requested".to_owned(),
        EventKind::PayoutApproved => "A payout was approved".to_owned(),
        EventKind::PayoutSent => "A payout was sent".to_owned(),
        EventKind::CardPaymentReversed => format!(
            "A card payment was refunded or disputed: {} was taken from your wallet",
            event.subject.as_deref().unwrap_or("it")
        ),
        EventKind::CardPaymentReturned => format!(
            "{} of a reversed card payment is back in your wallet",
            event.subject.as_deref().unwrap_or("The amount")
        ),
        EventKind::PayoutDone => "A payout was completed".to_owned(),
        EventKind::PayoutFailed => "A payout did not go through".to_owned(),
        EventKind::MaintenanceAnnounced => format!("Maintenance of {node} was scheduled"),
        EventKind::MaintenanceCanceled => format!("Maintenance of {node} was canceled"),
        EventKind::MaintenanceDue => format!("Maintenance of {node} starts soon"),
        EventKind::NodeLeaving => format!("{node} is leaving the market"),
        EventKind::NodeLeavingCanceled => format!("{node} stays on the market"),
        EventKind::NodeLeft => format!("{node} left the market"),
        EventKind::RentalMovedOut => format!("The rental of {place} moved to another slice"),
        EventKind::RentalMovedIn => format!("A rental moved to {place}"),
        EventKind::FarmVerified => "Your ownership of a farm was verified".to_owned(),
        EventKind::FarmLost => "Another account verified ownership of your farm".to_owned(),
        EventKind::FarmRevoked => "The operator revoked your ownership of a farm".to_owned(),
        EventKind::NodeClaimed => {
            format!("Another account verified ownership of the farm of {node}")
        }
        EventKind::FarmMoved => "A farm changed owners on the grid".to_owned(),
        EventKind::NodeMoved => format!("{node} moved to another farm on the grid"),
        EventKind::NodeTakenOver => format!("{node} was taken over"),
        EventKind::NodeLost => format!("{node} no longer belongs to you"),
        EventKind::NodeLocked => format!("The offer of {node} was locked"),
        EventKind::NodeUnlocked => format!("The offer of {node} was unlocked"),
        EventKind::WebhookDisabled => "A webhook was disabled because deliveries failed".to_owned(),
        EventKind::AgentTokenExpiring => token_expiring(event.subject.as_deref()),
        // Nobody is notified of these.
        EventKind::NodeRentalImported
        | EventKind::RenewalFailed
        | EventKind::RentalReminded
        | EventKind::RentalExpired
        | EventKind::RentalTransferred
        | EventKind::RentalReceived
        | EventKind::FarmerChanged
        | EventKind::AccessProgress
        | EventKind::MachineActionDone
        | EventKind::NodeRegistered
        | EventKind::NodePublished
        | EventKind::NodePaused
        | EventKind::OfferChanged
        | EventKind::WalletCredited
        | EventKind::PayoutCanceled => audit_words(event.kind).to_owned(),
    }
}

/// Such as `The uptime SLA of node32 is at risk: 41 more minutes of downtime left this month`.
/// Before there was a number, it was the month alone.
fn at_risk(node: &str, subject: Option<&str>) -> String {
    let minutes = subject.and_then(|subject| subject.split_once(": "));
    let minutes = minutes.and_then(|(_, rest)| rest.strip_suffix(" min")?.parse::<i64>().ok());
    minutes.map_or_else(
        || format!("The uptime SLA of {node} is at risk this month"),
        |minutes| {
            let minutes = counted(minutes, "more minute");
            format!("The uptime SLA of {node} is at risk: {minutes} of downtime left this month")
        },
    )
}

/// Such as `Your agent's token rack-7 (myc_oP5K…) expires within 14 days: create a new one`.
fn token_expiring(subject: Option<&str>) -> String {
    subject.and_then(|subject| subject.rsplit_once(": ")).map_or_else(
        || "Your agent's token expires soon: create a new one".to_owned(),
        |(token, days)| {
            format!("Your agent's token {token} expires within {days}: create a new one")
        },
    )
}

/// Such as `node32_slice_1 is held for you until 29 July 2026, 12:15 UTC: rent it`.
fn turn_offered(place: &str, event: &Event) -> String {
    let until = moment::to_the_minute(event.at.plus_seconds(TURN_SECONDS)).text;
    format!("{place} is free and held for you until {until}: rent it")
}

/// Such as `A slice of node32 is free, but wasn't held for you: your balance is $5 short of …`.
fn turn_passed(node: &str, event: &Event) -> String {
    let why = event.subject.as_deref().unwrap_or("it was not possible");
    format!("A slice of {node} is free, but wasn't held for you: {why}")
}

/// Such as `3 nodes fit your saved search Belgium, up to $30`.
fn search_found(node: &str, event: &Event) -> String {
    let found = event.subject.as_deref().and_then(|subject| subject.split_once(": "));
    match (event.node, found) {
        (Some(_), Some((_, name))) => format!("{node} fits your saved search {name}"),
        (None, Some((count, name))) => format!("{count} nodes fit your saved search {name}"),
        (_, None) => "Nodes fit a saved search of yours".to_owned(),
    }
}

/// Such as `The disk of rack-7's server is almost full, 12 GB free: make room, or …`.
fn server_disk_low(subject: Option<&str>) -> String {
    let disk = subject.and_then(|subject| subject.rsplit_once(": ")).map_or_else(
        || "The disk of an agent's server is almost full".to_owned(),
        |(agent, free)| format!("The disk of {agent}'s server is almost full, {free} free"),
    );
    format!("{disk}: make room, or machines will be paused")
}

/// What a machine that cannot be used is like, by the state that its event is about.
fn down_words(state: Option<&str>) -> &'static str {
    match state.and_then(|state| state.parse().ok()) {
        Some(MachineState::Off) => "is off",
        Some(MachineState::Paused) => "is paused because its server's disk is full",
        Some(MachineState::Lost) => "is missing from its server",
        Some(MachineState::Unreachable | MachineState::Starting | MachineState::Running) | None => {
            "doesn't answer on its SSH port"
        }
    }
}

/// What an action did.
fn machine_action_done(action: Option<&str>) -> &'static str {
    match action.and_then(|action| action.parse().ok()) {
        Some(MachineAction::Start) => "Machine started",
        Some(MachineAction::Shutdown) => "Machine shut down",
        Some(MachineAction::Restart) => "Machine restarted",
        Some(MachineAction::Reset) => "Machine reset",
        Some(MachineAction::SetKeys) => "SSH keys of the machine changed",
        Some(MachineAction::Rebuild) => "Machine rebuilt",
        Some(MachineAction::SetPassword) => "Console password set",
        Some(MachineAction::SetPorts) => "Ports of the machine changed",
        None => "Machine changed",
    }
}

/// What an action did not do with a machine.
fn machine_action_failed(action: Option<&str>) -> &'static str {
    match action.and_then(|action| action.parse().ok()) {
        Some(MachineAction::Start) => "couldn't be started",
        Some(MachineAction::Shutdown) => "couldn't be shut down",
        Some(MachineAction::Restart) => "couldn't be restarted",
        Some(MachineAction::Reset) => "couldn't be reset",
        Some(MachineAction::SetKeys) => "didn't get its SSH keys",
        Some(MachineAction::Rebuild) => "couldn't be rebuilt",
        Some(MachineAction::SetPassword) => "didn't get its console password",
        Some(MachineAction::SetPorts) => "didn't get its ports",
        None => "couldn't be changed",
    }
}

/// Such as `2026-11: $2.50`, as the event says it.
fn month_and_amount(notice: &Notice) -> &str {
    notice.event.subject.as_deref().unwrap_or("a month")
}

/// What the history of a rental says of an event.
#[expect(clippy::too_many_lines, reason = "a list with a line for each")]
pub fn history_words(event: &RentalEvent) -> String {
    let subject = event.subject.as_deref();
    match event.kind {
        EventKind::SliceRented => "Rented".to_owned(),
        EventKind::NodeRented => "Whole node rented".to_owned(),
        EventKind::NodeRentalImported => "Imported".to_owned(),
        EventKind::RentalExtended => "Extended".to_owned(),
        EventKind::RentalRenewed => "Auto-renewed".to_owned(),
        EventKind::RenewalFailed => "Auto-renewal failed".to_owned(),
        EventKind::RentalReminded => "Expiry reminder sent".to_owned(),
        EventKind::RentalExpired => "Term ended; data kept for 48 hours".to_owned(),
        EventKind::MaintenanceAnnounced => "Node maintenance scheduled".to_owned(),
        EventKind::MaintenanceCanceled => "Node maintenance canceled".to_owned(),
        EventKind::MaintenanceDue => "Node maintenance starts within a day".to_owned(),
        EventKind::RentalTransferred => "Transferred to another account".to_owned(),
        EventKind::RentalReceived => "Transferred from another account".to_owned(),
        EventKind::FarmerChanged => "Node has a new farmer; nothing else changed".to_owned(),
        EventKind::NodeLeaving => "Node is leaving the market".to_owned(),
        EventKind::NodeLeavingCanceled => "Node stays on the market".to_owned(),
        EventKind::RentalMovedOut => "Moved away from this slice".to_owned(),
        EventKind::RentalMovedIn => "Moved to another slice".to_owned(),
        EventKind::RentalEnded => "Rental ended".to_owned(),
        EventKind::AccessProgress => step_done(subject),
        EventKind::AccessReady => "Machine ready".to_owned(),
        EventKind::AccessFailed => "Machine setup failed".to_owned(),
        EventKind::AccessChanged => "Machine has a new address".to_owned(),
        EventKind::AccessLate => {
            "Machine setup overdue; you and the operator were notified".to_owned()
        }
        EventKind::RentalDown => {
            "Down for 24 hours; refunded for each day until it is back".to_owned()
        }
        EventKind::NodeDown => "Node went down".to_owned(),
        EventKind::NodeRecovered => "Node came back up".to_owned(),
        EventKind::MachineDown => format!("Machine {}", down_words(subject)),
        EventKind::MachineDiskFilling => {
            format!("Machine's disk is {} full", subject.unwrap_or("almost"))
        }
        EventKind::MachineActionDone => machine_action_done(subject).to_owned(),
        EventKind::MachineActionFailed => format!("Machine {}", machine_action_failed(subject)),
        EventKind::SlaCredited => {
            format!("SLA missed; you were credited for {}", subject.unwrap_or_default())
        }
        EventKind::SlaDisputed => "SLA result disputed".to_owned(),
        EventKind::SlaDisputeDecided => "SLA dispute decided".to_owned(),
        EventKind::RentalRefunded => "Refunded in full".to_owned(),
        // These happen to no rental, or there is no more to say.
        EventKind::MachineUp
        | EventKind::ManualSetup
        | EventKind::ManualRemoval
        | EventKind::ServerDiskLow
        | EventKind::RemovalLate
        | EventKind::SliceRemoved
        | EventKind::SavedSearchFound
        | EventKind::WaitlistOffered
        | EventKind::WaitlistPassed
        | EventKind::NodeRegistered
        | EventKind::NodePublished
        | EventKind::NodePaused
        | EventKind::OfferChanged
        | EventKind::PriceSuggested
        | EventKind::SlaAtRisk
        | EventKind::SlaMissed
        | EventKind::NodeOversold
        | EventKind::NodeOversoldResolved
        | EventKind::NodeLeft
        | EventKind::FarmVerified
        | EventKind::FarmLost
        | EventKind::FarmRevoked
        | EventKind::FarmMoved
        | EventKind::NodeClaimed
        | EventKind::NodeMoved
        | EventKind::NodeTakenOver
        | EventKind::NodeLost
        | EventKind::NodeLocked
        | EventKind::NodeUnlocked
        | EventKind::WalletCredited
        | EventKind::CardPaymentReversed
        | EventKind::CardPaymentReturned
        | EventKind::PayoutRequested
        | EventKind::PayoutApproved
        | EventKind::PayoutSent
        | EventKind::PayoutDone
        | EventKind::PayoutFailed
        | EventKind::PayoutCanceled
        | EventKind::WebhookDisabled
        | EventKind::AgentTokenExpiring => audit_words(event.kind).to_owned(),
    }
}

/// What the audit log says of an event.
#[expect(clippy::too_many_lines, reason = "a list with a line for each")]
pub fn audit_words(kind: EventKind) -> &'static str {
    match kind {
        EventKind::SliceRented => "Slice rented",
        EventKind::NodeRented => "Whole node rented",
        EventKind::NodeRentalImported => "Rental imported",
        EventKind::RentalExtended => "Rental extended",
        EventKind::RentalRenewed => "Rental auto-renewed",
        EventKind::RenewalFailed => "Auto-renewal failed",
        EventKind::RentalReminded => "Expiry reminder sent",
        EventKind::RentalExpired => "Rental term ended",
        EventKind::RentalEnded => "Rental ended",
        EventKind::RentalRefunded => "Rental without access refunded",
        EventKind::RentalTransferred => "Rental transferred to another account",
        EventKind::RentalReceived => "Rental transferred from another account",
        EventKind::RentalMovedOut => "Rental moved to another slice",
        EventKind::RentalMovedIn => "Rental moved from another slice",
        EventKind::FarmerChanged => "Rental moved to a new farmer",
        EventKind::AccessProgress => "Machine setup progressed",
        EventKind::AccessReady => "Machine ready",
        EventKind::AccessFailed => "Machine setup failed",
        EventKind::AccessChanged => "Machine has a new address",
        EventKind::AccessLate => "Machine setup overdue",
        EventKind::ManualSetup => "Machine to be set up by hand",
        EventKind::ManualRemoval => "Machine to be removed by hand",
        EventKind::RemovalLate => "Machine removal overdue",
        EventKind::SliceRemoved => "Machine of an ended rental removed",
        EventKind::RentalDown => "Rental down for 24 hours",
        EventKind::MachineDown => "Machine down",
        EventKind::MachineUp => "Machine running again",
        EventKind::MachineDiskFilling => "Machine's disk almost full",
        EventKind::ServerDiskLow => "Disk of an agent's server almost full",
        EventKind::MachineActionDone => "Machine started, shut down, reset or changed",
        EventKind::MachineActionFailed => "Machine action failed",
        EventKind::SavedSearchFound => "Saved search found nodes",
        EventKind::WaitlistOffered => "Slice held for first in line",
        EventKind::WaitlistPassed => "Turn on a waitlist passed",
        EventKind::NodeRegistered => "Node registered",
        EventKind::NodePublished => "Node published",
        EventKind::NodePaused => "Node taken off the market",
        EventKind::OfferChanged => "Node price or SLA changed",
        EventKind::PriceSuggested => "New price suggested for a node",
        EventKind::SlaAtRisk => "SLA at risk",
        EventKind::SlaMissed => "SLA missed",
        EventKind::NodeDown => "Node went down",
        EventKind::NodeRecovered => "Node came back up",
        EventKind::NodeOversold => "Node is oversold",
        EventKind::NodeOversoldResolved => "Node is no longer oversold",
        EventKind::MaintenanceAnnounced => "Node maintenance scheduled",
        EventKind::MaintenanceCanceled => "Node maintenance canceled",
        EventKind::MaintenanceDue => "Node maintenance starts within a day",
        EventKind::NodeLeaving => "Node leaving the market",
        EventKind::NodeLeavingCanceled => "Node stays on the market",
        EventKind::NodeLeft => "Node left the market",
        EventKind::FarmVerified => "Farm ownership verified",
        EventKind::FarmLost => "Another account verified ownership of your farm",
        EventKind::FarmRevoked => "Farm ownership revoked by an operator",
        EventKind::FarmMoved => "Farm changed owners on the grid",
        EventKind::NodeClaimed => "Another account verified ownership of your node's farm",
        EventKind::NodeMoved => "Node moved to another farm on the grid",
        EventKind::NodeTakenOver => "Node taken over",
        EventKind::NodeLost => "Node taken over by the farm's owner",
        EventKind::NodeLocked => "Node offer locked",
        EventKind::NodeUnlocked => "Node offer unlocked",
        EventKind::WalletCredited => "Wallet credited",
        EventKind::CardPaymentReversed => "Card payment refunded or disputed",
        EventKind::CardPaymentReturned => "Reversed card payment returned",
        EventKind::SlaCredited => "SLA missed; renter credited",
        EventKind::SlaDisputed => "SLA result disputed",
        EventKind::SlaDisputeDecided => "SLA dispute decided",
        EventKind::PayoutRequested => "Payout requested",
        EventKind::PayoutApproved => "Payout approved",
        EventKind::PayoutSent => "Payout sent",
        EventKind::PayoutDone => "Payout completed",
        EventKind::PayoutFailed => "Payout failed; amount returned to earnings",
        EventKind::PayoutCanceled => "Payout request canceled",
        EventKind::WebhookDisabled => "Webhook disabled",
        EventKind::AgentTokenExpiring => "Agent token expires soon",
    }
}

/// The page that shows more of a notice.
pub fn notification_path(notice: &Notice) -> String {
    let event = &notice.event;
    match notice.kind {
        NotificationCategory::Webhook => return "/dashboard/notifications/webhooks".to_owned(),
        NotificationCategory::Payment => return "/dashboard/wallet".to_owned(),
        NotificationCategory::AgentToken => return "/dashboard/settings/tokens".to_owned(),
        NotificationCategory::Payout => return "/dashboard/farm/payouts".to_owned(),
        NotificationCategory::Credit if notice.side == Side::Farmer => {
            return "/dashboard/farm/credits".to_owned();
        }
        NotificationCategory::Rented
        | NotificationCategory::Released
        | NotificationCategory::Extended
        | NotificationCategory::Access
        | NotificationCategory::Removal
        | NotificationCategory::Machine
        | NotificationCategory::SavedSearch
        | NotificationCategory::Waitlist
        | NotificationCategory::PriceSuggestion
        | NotificationCategory::SlaAtRisk
        | NotificationCategory::SlaMissed
        | NotificationCategory::Credit
        | NotificationCategory::NodeDown
        | NotificationCategory::Oversold
        | NotificationCategory::Maintenance
        | NotificationCategory::Leaving
        | NotificationCategory::Farm => {}
    }
    if let (EventKind::ManualSetup, Some(SliceId { node, number })) = (event.kind, event.slice) {
        return format!("/dashboard/farm/nodes/{node}/slices/{number}/setup");
    }
    match (notice.side, event.rental, event.node) {
        (Side::Renter, Some(rental), _) => format!("/dashboard/slices/{rental}"),
        (Side::Renter, None, Some(node)) => format!("/marketplace/compute/{node}"),
        (Side::Renter, None, None) if event.kind == EventKind::SavedSearchFound => {
            "/dashboard/searches".to_owned()
        }
        (Side::Renter, None, None) => "/dashboard/slices".to_owned(),
        // What is not one's own any more has no page.
        (Side::Farmer, _, Some(node)) if event.kind != EventKind::NodeLost => {
            format!("/dashboard/farm/nodes/{node}")
        }
        (Side::Farmer, _, _) => "/dashboard/farm".to_owned(),
    }
}

/// What a step is called once it is done.
pub fn step_name(step: Step) -> &'static str {
    match step {
        Step::Accepted => "Accepted by agent",
        Step::Disk => "Disk created",
        Step::Booting => "Booting",
        Step::Reachable => "Reachable",
        Step::Checked => "Connection verified",
    }
}

/// What a rental's history says of a step.
pub fn step_done(subject: Option<&str>) -> String {
    let step = subject.and_then(|step| step.parse().ok());
    step.map_or("Machine setup progressed", step_name).to_owned()
}

#[cfg(test)]
mod tests {
    use domain::audit::Action;
    use domain::event::EventKind;
    use domain::id::{NodeId, SliceId};
    use domain::notification::Side;
    use domain::time::Timestamp;
    use store::notifications::Notice;
    use strum::VariantArray;

    use super::*;

    fn notice(kind: EventKind, side: Side) -> Notice {
        let node = NodeId(32);
        let event = Event {
            id: 7,
            kind,
            node: Some(node),
            slice: Some(SliceId { node, number: 1 }),
            rental: None,
            subject: None,
            at: Timestamp::from_seconds(0),
        };
        Notice { event, kind: kind.notice().unwrap(), side }
    }

    #[test]
    fn an_unknown_action_is_named_all_the_same() {
        assert_eq!(description("slice-set-up"), "Slice set up");
        assert_eq!(description("sign-in"), "Signed in");
        assert_eq!(description("slice-rented"), "Slice rented");
    }

    #[test]
    fn no_action_has_the_name_of_an_event() {
        for action in Action::VARIANTS {
            assert!(action.into_str().parse::<EventKind>().is_err(), "{action:?}");
        }
    }

    #[test]
    fn every_event_has_words_of_its_own_and_a_page() {
        let mut titles = Vec::new();
        for (kind, _) in EventKind::with_notice() {
            for side in [Side::Renter, Side::Farmer] {
                if !kind.audience().has(side) {
                    continue;
                }
                let notice = notice(kind, side);
                let title = notification_title(&notice);
                assert!(!title.contains(&kind.into_str().replace('-', " ")), "{kind}: {title}");
                assert!(notification_path(&notice).starts_with('/'));
                titles.push(title);
            }
        }
        titles.sort();
        titles.dedup();
        assert_eq!(
            titles.len(),
            EventKind::with_notice().count() + 5,
            "one for each, two where the sides differ"
        );
    }

    #[test]
    fn a_token_that_expires_is_named() {
        let mut notice = notice(EventKind::AgentTokenExpiring, Side::Farmer);
        notice.event.subject = Some("rack: 7 (myc_4fTz…): 14 days".to_owned());
        assert_eq!(
            notification_title(&notice),
            "Your agent's token rack: 7 (myc_4fTz…) expires within 14 days: create a new one"
        );
    }

    #[test]
    fn a_disk_that_is_almost_full_is_named() {
        let title = |kind, side, subject: &str| {
            let mut notice = notice(kind, side);
            notice.event.subject = Some(subject.to_owned());
            notification_title(&notice)
        };
        assert_eq!(
            title(EventKind::ServerDiskLow, Side::Farmer, "rack-7: 12 GB"),
            "The disk of rack-7's server is almost full, 12 GB free: make room, or machines will \
             be paused"
        );
        assert_eq!(
            title(EventKind::MachineDiskFilling, Side::Renter, "93%"),
            "The disk of your machine on node32_slice_1 is 93% full: delete what you don't need"
        );
    }

    #[test]
    fn each_side_is_led_to_its_own_page() {
        let check =
            |kind, side, path: &str| assert_eq!(notification_path(&notice(kind, side)), path);
        check(EventKind::SliceRented, Side::Farmer, "/dashboard/farm/nodes/node32");
        let setup = "/dashboard/farm/nodes/node32/slices/1/setup";
        check(EventKind::ManualSetup, Side::Farmer, setup);
        check(EventKind::MaintenanceDue, Side::Renter, "/marketplace/compute/node32");
        check(EventKind::NodeLost, Side::Farmer, "/dashboard/farm");
        check(EventKind::PayoutDone, Side::Farmer, "/dashboard/farm/payouts");
        check(EventKind::SlaCredited, Side::Farmer, "/dashboard/farm/credits");
    }

    #[test]
    fn a_farmer_reads_how_long_the_node_may_be_down() {
        let title = |subject: &str| {
            let mut notice = notice(EventKind::SlaAtRisk, Side::Farmer);
            notice.event.subject = Some(subject.to_owned());
            notification_title(&notice)
        };
        assert_eq!(
            title("2026-11: 41 min"),
            "The uptime SLA of node32 is at risk: 41 more minutes of downtime left this month"
        );
        assert_eq!(title("2026-11"), "The uptime SLA of node32 is at risk this month");
    }
}
