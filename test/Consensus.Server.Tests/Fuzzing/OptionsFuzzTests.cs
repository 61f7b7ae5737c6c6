using System.Text;
using Consensus.Fuzzing;
using Consensus.Primitives;
using Consensus.Server.Options;

namespace Consensus.Server.Tests.Fuzzing;

/// <summary>Command lines, environments and configuration files of any kind are options, or one sentence that says what is wrong.</summary>
internal sealed class OptionsFuzzTests
{
    private static readonly string[] Texts =
    [
        "n1", "", " ", "-", "--", "é", "\ud800", "127.0.0.1:0", "127.0.0.1:99999", "[::1]:1", "[::1", "0.0.0.0:7379", ":::", "http://a:1", "http://", "https://[", "file:///x", "n1=127.0.0.1:1",
        "n1=127.0.0.1:1,n2=127.0.0.1:2", "n1=127.0.0.1:1,n1=127.0.0.1:1", "=,=", ",,,", "15s", "0s", "-1s", "99999999999999999999h", "1e9", "NaN", "100000000", "9223372036854775808", "*", "a,b,*",
        "true", "false", "yes", "/dev/null", "/nowhere/at/all", "x=y=z", "%00",
    ];

    [Test]
    public void Any_command_line_and_environment_is_taken_or_refused_in_a_sentence([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        var refused = 0;
        for (var round = Mutator.Rounds(5_000); round > 0; round--)
        {
            var arguments = new List<string>();
            for (var count = random.Next(6); count > 0; count--)
            {
                var flag = DrawFlag(random);
                arguments.AddRange(random.Chance(1, 2) ? [flag, DrawText(random)] : [random.Chance(1, 3) ? flag : flag + "=" + DrawText(random)]);
            }
            var environment = OptionTable.All.Where(_ => random.Chance(1, 40)).ToDictionary(o => o.EnvironmentName, _ => DrawText(random));
            refused += Reads(arguments, environment) ? 0 : 1;
        }
        Assert.That(refused, Is.Positive);
    }

    [Test]
    public void Any_configuration_file_is_taken_or_refused_in_a_sentence([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        var path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{TestContext.CurrentContext.Test.ID}.json");
        var correct = """
            { "name": "n1", "listenClient": "127.0.0.1:0", "heartbeatInterval": "50ms", "insecure": true, "allowedHosts": ["a.example", "b\u00e9"], "snapshotEntries": 500 }
            """u8.ToArray();
        string[] careless = ["[]", "\"\\ud800\"", "{\"name\":\"\\ud800\"}", "{\"\\udc00\":1}", "{\"allowedHosts\":[\"\\ud800\"]}", "{\"name\":null}", "{\"name\":{}}", "nul", "{\"snapshotEntries\":1e400}"];
        var taken = 0;
        for (var round = Mutator.Rounds(600); round > 0; round--)
        {
            var file = random.Chance(1, 5) ? Encoding.UTF8.GetBytes(careless[random.Next(careless.Length)]) : correct;
            File.WriteAllBytes(path, random.Chance(1, 4) ? file : Mutator.Change(file, random));
            taken += Reads(["--config", path], []) ? 1 : 0;
        }
        File.Delete(path);
        Assert.That(taken, Is.Positive);
    }

    private static bool Reads(IReadOnlyList<string> arguments, Dictionary<string, string> environment)
    {
        try
        {
            ServerOptionsReader.Read(arguments, name => environment.GetValueOrDefault(name));
            return true;
        }
        catch (OptionsException e)
        {
            Assert.That(e.Message, Is.Not.Empty);
            return false;
        }
        catch (Exception e)
        {
            Assert.Fail($"{string.Join(' ', arguments)} | {string.Join(' ', environment)}: {e}");
            return false;
        }
    }

    private static string DrawFlag(DeterministicRandom random)
    {
        var flags = OptionTable.All;
        var flag = "--" + flags[(int)random.Next(flags.Count)].Flag;
        return random.Chance(1, 6) ? Encoding.UTF8.GetString(Mutator.Change(Encoding.UTF8.GetBytes(flag), random)) : flag;
    }

    private static string DrawText(DeterministicRandom random)
    {
        var text = Texts[random.Next(Texts.Length)];
        return random.Chance(1, 4) ? Encoding.UTF8.GetString(Mutator.Change(Encoding.UTF8.GetBytes(text), random)) : text;
    }
}
