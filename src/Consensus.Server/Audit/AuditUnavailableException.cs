namespace Consensus.Server.Audit;

/// <summary>What was to be done is not, because the record that says so cannot be written. Its message is for whoever asked.</summary>
internal sealed class AuditUnavailableException(string trouble) : Exception($"the audit log cannot be written: {trouble}; nothing was done");
