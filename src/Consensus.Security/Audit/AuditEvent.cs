namespace Consensus.Security.Audit;

/// <summary>What a record of the audit log is of.</summary>
public enum AuditEvent
{
    /// <summary>A request that is none of the others.</summary>
    Request,

    /// <summary>A request that was refused for want of a right (403).</summary>
    Denied,

    /// <summary>Requests and handshakes of one address that showed no valid credential (401), counted.</summary>
    AuthenticatedFailed,

    /// <summary>A change of roles, principals, credentials or settings.</summary>
    Policy,

    /// <summary>A change of the members, or a hand-over of leadership.</summary>
    Member,

    /// <summary>What is done to others: a hold broken, the permits of a semaphore changed, a fence reset.</summary>
    Force,

    /// <summary>The whole state was taken.</summary>
    Snapshot,

    /// <summary>Other certificates are used from here on.</summary>
    TlsReload,

    /// <summary>The member began to serve.</summary>
    Start,

    /// <summary>The member ended as it was asked to.</summary>
    Stop,

    /// <summary>So many records are not here, because they could not be written.</summary>
    Dropped,

    /// <summary>The file was moved, deleted or cut by somebody else, and the log goes on in this one.</summary>
    Reopened,
}

/// <summary>The events as the log writes them.</summary>
public static class AuditEvents
{
    /// <summary>The word of an event.</summary>
    public static string WordOf(AuditEvent of) => of switch
    {
        AuditEvent.Request => "request",
        AuditEvent.Denied => "denied",
        AuditEvent.AuthenticatedFailed => "authenticated-failed",
        AuditEvent.Policy => "policy",
        AuditEvent.Member => "member",
        AuditEvent.Force => "force",
        AuditEvent.Snapshot => "snapshot",
        AuditEvent.TlsReload => "tls-reload",
        AuditEvent.Start => "start",
        AuditEvent.Stop => "stop",
        AuditEvent.Dropped => "dropped",
        AuditEvent.Reopened => "reopened",
        _ => throw new ArgumentOutOfRangeException(nameof(of)),
    };
}
