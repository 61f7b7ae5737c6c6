using Consensus.Server.Audit;

namespace Consensus.Server.Options;

/// <summary>
/// What the options say of the audit log. A member that knows who asks keeps one by itself; one that knows nobody is to be told.
/// </summary>
internal static class AuditOptionsReader
{
    private const string None = "none";

    /// <summary>Beside the log and the snapshots.</summary>
    private const string DefaultDirectory = "audit";

    /// <summary>Null: nothing is recorded.</summary>
    public static AuditOptions? Read(OptionValues values, string dataDirectory, bool knowsCallers)
    {
        var file = values.Text(OptionTable.Audit, knowsCallers ? Path.Combine(dataDirectory, DefaultDirectory) + "/" : None);
        var isRequired = values.Switch(OptionTable.AuditRequired);
        if (file == None)
        {
            string[] beside = [OptionTable.AuditLevel, OptionTable.AuditRequired];
            return beside.FirstOrDefault(values.IsGiven) is { } option
                ? throw values.Wrong(option, "is given without --audit FILE, which it belongs to")
                : null;
        }
        return new AuditOptions(FileOf(file), isRequired) { Levels = Levels(values) };
    }

    private static string FileOf(string text) =>
        text.EndsWith('/') || Directory.Exists(text) ? Path.Combine(text, AuditOptions.FileName) : text;

    private static AuditLevels Levels(OptionValues values)
    {
        if (!values.IsGiven(OptionTable.AuditLevel))
        {
            return AuditLevels.Default;
        }
        return AuditLevels.Read(values.Text(OptionTable.AuditLevel, ""), out var mistake)
            ?? throw values.Wrong(OptionTable.AuditLevel, mistake!);
    }
}
