//! The problem that each failure of a rule or of the store is.

use std::fmt::Display;

use domain::field::FieldError;
use domain::leaving::{MoveError, NoticeError};
use domain::maintenance::MaintenanceError;
use domain::money::Usd;
use domain::offering::{AboveMeasured, OfferingError};
use domain::order::RentError;
use domain::payout::RequestError;
use domain::rental::{CeilingError, ExtendError};
use store::disputes::{DecideFailure, DisputeFailure};
use store::jobs::ReportFailure;
use store::leaving::{LeaveFailure, MoveFailure};
use store::ledger::CreditFailure;
use store::machine_actions::ActionFailure;
use store::maintenance::MaintenanceFailure;
use store::offering::OfferingFailure;
use store::payouts::{self, RequestFailure};
use store::rentals::{ChangeFailure, SettingsFailure};
use store::renting::RentFailure;
use store::top_ups::BeginFailure;
use store::transfers::TransferFailure;

use super::{Kind, Problem};

impl From<RentError> for Problem {
    fn from(error: RentError) -> Problem {
        let kind = match error {
            RentError::NoSuchNode | RentError::NoSuchSlice => Kind::NotFound,
            RentError::NotOffered => Kind::NotOffered,
            RentError::NodeDown => Kind::NodeDown,
            RentError::SliceTaken => Kind::SliceTaken,
            RentError::SoldOut { .. } => Kind::SoldOut,
            RentError::OfferChanged => Kind::OfferChanged,
            RentError::AboveMaxPrice { .. } => Kind::AboveMaxPrice,
            RentError::TermNotOffered(_) => Kind::TermNotOffered,
            RentError::OwnSlice => Kind::OwnSlice,
            RentError::OverSpendingLimit { .. } => Kind::OverSpendingLimit,
            RentError::OverLimit { .. } => Kind::OverLimit,
            RentError::TooManyHolds(_) | RentError::HeldTooOften(_) => Kind::TooManyHolds,
            RentError::InsufficientFunds { total, missing } => {
                return Problem::new(Kind::InsufficientFunds, error)
                    .with("total_cost", total.to_string())
                    .with("missing", missing.to_string())
                    .with("top_up", TOP_UP);
            }
        };
        Problem::new(kind, error)
    }
}

/// Where credit is added.
const TOP_UP: &str = "/dashboard/wallet";

impl From<RentFailure> for Problem {
    fn from(failure: RentFailure) -> Problem {
        match failure {
            RentFailure::Rule(error) => error.into(),
            RentFailure::QuoteUsed => Problem::new(Kind::QuoteUsed, failure),
            RentFailure::QuoteExpired => Problem::new(Kind::QuoteExpired, failure),
            RentFailure::Store(error) => error.into(),
        }
    }
}

impl From<ExtendError> for Problem {
    fn from(error: ExtendError) -> Problem {
        match error {
            ExtendError::Ended => Problem::new(Kind::RentalEnded, error),
            ExtendError::TooFarAhead => Problem::new(Kind::TooFarAhead, error),
            ExtendError::NotOffered => Problem::new(Kind::NotOffered, error),
            ExtendError::TermBeyondLeaveDate(leaves_at) => {
                Problem::new(Kind::TermBeyondLeaveDate, error)
                    .with("leaves_at", leaves_at.to_string())
            }
            ExtendError::PriceRaised { agreed, price } => Problem::new(Kind::PriceRaised, error)
                .with("agreed", agreed.to_string())
                .with("price", price.to_string()),
            ExtendError::Money(error) => error.into(),
        }
    }
}

impl From<CeilingError> for Problem {
    fn from(error: CeilingError) -> Problem {
        Problem::new(Kind::OverSpendingLimit, error)
    }
}

impl From<ChangeFailure> for Problem {
    fn from(failure: ChangeFailure) -> Problem {
        match failure {
            ChangeFailure::NoSuchRental => Problem::not_found(),
            ChangeFailure::Extend(error) => error.into(),
            ChangeFailure::Ended(error) => Problem::new(Kind::RentalEnded, error),
            ChangeFailure::RefundChanged { refund, .. } => {
                Problem::new(Kind::RefundChanged, failure).with("refund", refund.to_string())
            }
            ChangeFailure::Store(error) => error.into(),
        }
    }
}

impl From<SettingsFailure> for Problem {
    fn from(failure: SettingsFailure) -> Problem {
        match failure {
            SettingsFailure::NoSuchRental => Problem::not_found(),
            SettingsFailure::Ceiling(error) => error.into(),
            SettingsFailure::Store(error) => error.into(),
        }
    }
}

impl From<CreditFailure> for Problem {
    fn from(failure: CreditFailure) -> Problem {
        match failure {
            CreditFailure::NoSuchAccount => Problem::plain(Kind::NoSuchAccount),
            CreditFailure::NoSuchRental => Problem::not_found(),
            CreditFailure::InsufficientFarmerEarnings => {
                Problem::plain(Kind::InsufficientFarmerEarnings)
            }
            CreditFailure::ReferenceUsed => Problem::plain(Kind::KeyReused),
            CreditFailure::Store(error) => error.into(),
        }
    }
}

impl From<BeginFailure> for Problem {
    fn from(failure: BeginFailure) -> Problem {
        match failure {
            BeginFailure::TooMany => Problem::plain(Kind::TooManyTopUps),
            BeginFailure::Store(error) => error.into(),
        }
    }
}

impl From<ReportFailure> for Problem {
    fn from(failure: ReportFailure) -> Problem {
        match failure {
            ReportFailure::NoSuchJob => Problem::new(Kind::NotFound, failure),
            ReportFailure::Lost(error) => Problem::new(Kind::LeaseLost, error),
            ReportFailure::Store(error) => error.into(),
        }
    }
}

impl From<ActionFailure> for Problem {
    fn from(failure: ActionFailure) -> Problem {
        match failure {
            ActionFailure::Open => Problem::new(Kind::MachineActionOpen, failure),
            ActionFailure::Gone => Problem::new(Kind::MachineNotReady, failure),
            ActionFailure::Store(error) => error.into(),
        }
    }
}

impl From<TransferFailure> for Problem {
    fn from(failure: TransferFailure) -> Problem {
        match failure {
            TransferFailure::NotOffered => Problem::new(Kind::NotFound, failure),
            TransferFailure::Rule(error) => error.into(),
            TransferFailure::Ceiling(error) => error.into(),
            TransferFailure::Store(error) => error.into(),
        }
    }
}

impl From<RequestFailure> for Problem {
    fn from(failure: RequestFailure) -> Problem {
        let rule = match failure {
            RequestFailure::Rule(rule) => rule,
            RequestFailure::Store(error) => return error.into(),
        };
        match rule {
            RequestError::NoAddress => Problem::plain(Kind::NoPayoutAddress),
            RequestError::AddressChanged { until } => {
                let mut problem = Problem::new(Kind::PayoutAddressChanged, rule);
                problem.extra.insert("available_at".into(), until.to_string().into());
                problem
            }
            RequestError::BelowMinimum { min } => {
                let rule = format!("an amount in dollars and cents, {min} at least");
                FieldError::new("amount_usd", &rule).into()
            }
            RequestError::InsufficientFarmerEarnings { .. } => {
                Problem::new(Kind::InsufficientEarnings, rule)
            }
            RequestError::TooMany => Problem::new(Kind::TooManyPayouts, rule),
            RequestError::WalletBelowZero { owed } => below_zero(owed, rule),
        }
    }
}

/// An account is paid nothing while its wallet lacks money.
fn below_zero(owed: Usd, why: impl Display) -> Problem {
    Problem::new(Kind::InsufficientFunds, why)
        .with("missing", owed.to_string())
        .with("top_up", TOP_UP)
}

impl From<payouts::ChangeFailure> for Problem {
    fn from(failure: payouts::ChangeFailure) -> Problem {
        match failure {
            payouts::ChangeFailure::NoSuchPayout => Problem::not_found(),
            payouts::ChangeFailure::WrongOrder(wrong) => {
                Problem::new(Kind::WrongPayoutState, wrong)
            }
            payouts::ChangeFailure::WalletBelowZero(owed) => below_zero(owed, failure),
            payouts::ChangeFailure::Store(error) => error.into(),
        }
    }
}

impl From<DisputeFailure> for Problem {
    fn from(failure: DisputeFailure) -> Problem {
        match failure {
            DisputeFailure::NoSuchMonth => Problem::not_found(),
            DisputeFailure::TooLate => Problem::new(Kind::TooLateToDispute, failure),
            DisputeFailure::NothingToDispute => Problem::new(Kind::NothingToDispute, failure),
            DisputeFailure::Already => Problem::new(Kind::AlreadyDisputed, failure),
            DisputeFailure::Store(error) => error.into(),
        }
    }
}

impl From<DecideFailure> for Problem {
    fn from(failure: DecideFailure) -> Problem {
        match failure {
            DecideFailure::NoSuchDispute => Problem::not_found(),
            DecideFailure::Decided => Problem::new(Kind::DisputeDecided, failure),
            DecideFailure::AboveBase { base } => {
                let rule = format!("an amount in dollars and cents, from 0 to {base}");
                FieldError::new("credit_usd", &rule).into()
            }
            DecideFailure::InsufficientPayerBalance { .. } => {
                Problem::new(Kind::InsufficientPayerBalance, failure)
            }
            DecideFailure::Store(error) => error.into(),
        }
    }
}

impl From<LeaveFailure> for Problem {
    fn from(failure: LeaveFailure) -> Problem {
        match failure {
            LeaveFailure::NoSuchNode => Problem::not_found(),
            LeaveFailure::Rule(NoticeError::Leaving(_)) => Problem::new(Kind::NodeLeaving, failure),
            LeaveFailure::Rule(NoticeError::TooSoon(_) | NoticeError::TooLate(_)) => {
                FieldError::new("leaves_at", &failure).into()
            }
            LeaveFailure::Locked(error) => error.into(),
            LeaveFailure::Store(error) => error.into(),
        }
    }
}

impl From<MoveFailure> for Problem {
    fn from(failure: MoveFailure) -> Problem {
        let error = match failure {
            MoveFailure::NoSuchRental => return Problem::not_found(),
            MoveFailure::Store(error) => return error.into(),
            MoveFailure::Rule(error) => error,
        };
        let kind = match error {
            MoveError::NotLeaving => Kind::NotLeaving,
            MoveError::Over | MoveError::WholeNode => Kind::NotMovable,
            MoveError::Dearer { .. }
            | MoveError::WeakerSla
            | MoveError::NoAgent
            | MoveError::LeftBefore => Kind::NotEquivalent,
            MoveError::Offer(error) => return error.into(),
        };
        Problem::new(kind, error)
    }
}

impl From<OfferingError> for Problem {
    fn from(error: OfferingError) -> Problem {
        match error {
            OfferingError::Locked(_) => Problem::new(Kind::NodeLocked, error),
            OfferingError::SlaAboveMeasured(above) => above_measured(&above),
            OfferingError::PriceMissing => Problem::plain(Kind::PriceMissing),
            OfferingError::Leaving => Problem::new(Kind::NodeLeaving, error),
            OfferingError::NeverPublished(_) => Problem::new(Kind::NeverPublished, error),
        }
    }
}

/// What the SLA costs if the node goes on as it was measured, for programs as well.
fn above_measured(above: &AboveMeasured) -> Problem {
    let mut problem = Problem::new(Kind::SlaAboveMeasured, above)
        .with("cost_per_month", above.cost_per_month.to_string());
    if let Some(uptime) = above.uptime {
        problem = problem
            .with("min_uptime", uptime.guaranteed.percent())
            .with("measured_uptime", uptime.measured.percent());
    }
    if let Some(bandwidth) = above.bandwidth {
        problem = problem
            .with("min_bandwidth_mbps", bandwidth.guaranteed.mbps())
            .with("measured_bandwidth_mbps", bandwidth.measured.mbps());
    }
    problem
}

impl From<OfferingFailure> for Problem {
    fn from(failure: OfferingFailure) -> Problem {
        match failure {
            OfferingFailure::NoSuchNode => Problem::not_found(),
            OfferingFailure::Changed => Problem::plain(Kind::OfferChanged),
            OfferingFailure::Rule(error) => error.into(),
            OfferingFailure::Store(error) => error.into(),
        }
    }
}

impl From<MaintenanceFailure> for Problem {
    fn from(failure: MaintenanceFailure) -> Problem {
        match failure {
            MaintenanceFailure::NoSuchNode => Problem::not_found(),
            MaintenanceFailure::Rule(error) => {
                let kind = match error {
                    MaintenanceError::Overlaps => Kind::MaintenanceOverlaps,
                    MaintenanceError::TooMany => Kind::TooManyWindows,
                };
                Problem::new(kind, error)
            }
            MaintenanceFailure::Locked(error) => error.into(),
            MaintenanceFailure::Store(error) => error.into(),
        }
    }
}
