//! Mails about machines that are late.

use domain::account::Email;
use mail::Mail;

/// To a renter: the machine is not there after the five minutes that were guaranteed.
pub fn access_late(to: &Email, place: &str, url: &str) -> Mail {
    let text = format!(
        "Setup of your machine on {place} at Mycelium is taking longer than expected, and the\n\
         operator has been notified. If it isn't ready within a day of your payment, you are\n\
         refunded automatically. You can also end the rental now for an immediate full \
         refund:\n\n{url}\n"
    );
    Mail::new("access-late", to, "Your machine is delayed", text)
}

/// To a farmer: the machine of an ended rental is not gone in time.
pub fn removal_late(to: &Email, place: &str, url: &str) -> Mail {
    let text = format!(
        "The rental of {place} at Mycelium has ended, but its machine hasn't been removed yet.\n\
         The slice is offered again once your agent removes it or you confirm the removal:\n\n\
         {url}\n"
    );
    Mail::new("removal-late", to, "Machine removal is overdue", text)
}

/// To an operator: a farm's agent or its farmer is late; `description` is `create` or `remove`.
pub fn job_late(to: &Email, description: &str, place: &str, url: &str) -> Mail {
    let text = format!(
        "A farm at Mycelium has an overdue job: {description} on {place}.\n\n\
         Operator page:\n\n{url}\n"
    );
    Mail::new("job-late", to, "Job of a farm overdue", text)
}
