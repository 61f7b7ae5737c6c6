namespace Consensus.Server.Options;

/// <summary>
/// What the options say of certificates, and what they demand together: whoever can be reached from other machines has certificates, or
/// says aloud that he has none.
/// </summary>
internal static class TlsOptionsReader
{
    private static readonly string[] Beside = [OptionTable.TlsClients, OptionTable.TlsMin, OptionTable.PeerTls];

    /// <summary>Null: without TLS.</summary>
    public static ServerTlsOptions? Read(OptionValues values, bool insecure)
    {
        if (!values.IsGiven(OptionTable.Tls))
        {
            return Beside.FirstOrDefault(values.IsGiven) is { } option
                ? throw values.Wrong(option, "is given without --tls, which it belongs to")
                : null;
        }
        if (insecure)
        {
            throw values.Wrong(
                OptionTable.Insecure, "is given together with --tls: a member has certificates or does without; leave one of the two out");
        }
        return new ServerTlsOptions(
            values.Text(OptionTable.Tls, ""),
            values.IsGiven(OptionTable.TlsClients) ? values.Text(OptionTable.TlsClients, "") : null,
            values.IsGiven(OptionTable.PeerTls) ? values.Text(OptionTable.PeerTls, "") : null,
            TakesTls12(values));
    }

    private static bool TakesTls12(OptionValues values) => values.Text(OptionTable.TlsMin, "1.3") switch
    {
        "1.3" => false,
        "1.2" => true,
        var text => throw values.Wrong(OptionTable.TlsMin, $"is \"{text}\", neither 1.2 nor 1.3"),
    };
}
