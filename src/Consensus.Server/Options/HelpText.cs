using System.Text;

namespace Consensus.Server.Options;

/// <summary>What <c>--help</c> prints.</summary>
internal static class HelpText
{
    public static string Write(string version)
    {
        var text = new StringBuilder();
        text.Append("consensusd ").Append(version).Append(": a member of a Consensus cluster (locks, leases and compare-and-set over HTTP)\n\n");
        text.Append("Without options: a durable single node in ./data that listens on http://127.0.0.1:7379.\n\n");
        var width = OptionTable.All.Max(option => Left(option).Length);
        foreach (var option in OptionTable.All)
        {
            text.Append("  ").Append(Left(option).PadRight(width)).Append("  ").Append(option.Help).Append('\n');
        }
        text.Append("  ").Append("--help, --version".PadRight(width)).Append("  print this, or the version\n\n");
        text.Append("Every option can also come from the environment (--data-dir: CONSENSUS_DATA_DIR) and from a JSON file (dataDir).\n");
        text.Append("Flags win over the environment, which wins over the file. Durations: 500ms, 15s, 2m, 1h; a bare number is seconds.\n");
        return text.ToString();
    }

    private static string Left(OptionDefinition option) => option.IsSwitch ? $"--{option.Flag}" : $"--{option.Flag} {option.Value}";
}
