//! What a mail server's answer, or its silence, means for one mail or for all of them. Pure: a failure in, a [`Verdict`] out.

use crate::delivery::Outcome;
use crate::net::smtp::{Reply, SmtpError, Stage};
use crate::sink::answer::Verdict;

/// What a failure means. Only what the server says of this mail's size or content is the mail's own; a login, a sender, a
/// recipient or a full disk is ours or the server's, and no mail is given up for it.
pub(super) fn judge(error: &SmtpError) -> Verdict {
    let reason = error.to_string();
    match error {
        SmtpError::TooLarge { .. } | SmtpError::Unsendable(_) => Verdict::rejected(reason, true),
        SmtpError::BadAddress(_) => Verdict::rejected(reason, false),
        SmtpError::NoUtf8 { sender: false, .. } => Verdict::This(Outcome::Misaddressed { reason }),
        SmtpError::Refused { stage, reply } => judge_refusal(stage, reply, reason),
        SmtpError::TimedOut { .. } | SmtpError::Cut { .. } | SmtpError::Garbled { .. } if error.may_have_arrived() => {
            Verdict::This(Outcome::Unknown { reason })
        }
        SmtpError::TimedOut { .. }
        | SmtpError::Cut { .. }
        | SmtpError::Garbled { .. }
        | SmtpError::Resolve { .. }
        | SmtpError::Connect { .. }
        | SmtpError::NotLoopback { .. }
        | SmtpError::NoStartTls
        | SmtpError::Injected
        | SmtpError::Trust(_)
        | SmtpError::Handshake { .. }
        | SmtpError::WrongTls { .. }
        | SmtpError::NoTls { .. }
        | SmtpError::NoUtf8 { sender: true, .. }
        | SmtpError::NoMechanism { .. } => Verdict::rest(reason),
    }
}

/// The codes are those of RFC 5321 section 4.2, the enhanced ones those of RFC 3463.
fn judge_refusal(stage: &Stage, reply: &Reply, reason: String) -> Verdict {
    let subject = reply.enhanced.map(|(_, subject, _)| subject);
    let is_about = |subject, details: &[u16]| details.iter().any(|detail| reply.is_about(subject, *detail));
    let too_large = reply.class() == 5 && (is_about(3, &[4]) || is_about(2, &[3]));
    let going_down = reply.code == 421;
    let no_login = matches!(reply.code, 530 | 534 | 535 | 538);
    // 452 4.5.3 is "too many recipients", which is about this mail.
    let no_room = reply.code == 452 && subject != Some(5) || is_about(2, &[2]) || is_about(3, &[1, 2]);
    // Said at the recipient too, and by then about the sender.
    let our_address = is_about(1, &[7, 8]);
    let no_such_recipient = subject == Some(1) || is_about(2, &[1]);
    let no_relay = subject == Some(7);
    match (stage, reply.class()) {
        (Stage::Sender(_) | Stage::Recipient(_) | Stage::Data | Stage::Final, 5) if too_large => Verdict::rejected(reason, true),
        (_, _) if going_down || no_login || no_room || our_address => Verdict::rest(reason),
        // One feed's recipient may be wrong while the others' are right.
        (Stage::Recipient(_) | Stage::Final, _) if no_such_recipient => Verdict::This(Outcome::Misaddressed { reason }),
        (Stage::Recipient(_), 5) if !no_relay => Verdict::This(Outcome::Misaddressed { reason }),
        (Stage::Sender(_) | Stage::Recipient(_) | Stage::Data | Stage::Final, 4) => {
            Verdict::This(Outcome::Retry { reason, after: None })
        }
        (Stage::Sender(_), _) if reply.code == 552 => Verdict::rejected(reason, true),
        (Stage::Final, _) => Verdict::rejected(reason, true),
        // The connection, the login, the sender, the right to relay: nothing is wrong with the mail.
        (_, _) => Verdict::rest(reason),
    }
}
