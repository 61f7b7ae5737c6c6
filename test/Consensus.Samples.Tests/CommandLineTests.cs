using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.Samples.Tests;

/// <summary>Every command of the command line's contract, typed as its reader would, against three real members.</summary>
public sealed class CommandLineTests
{
    // What is typed, its exit code, and what its output or, for a no, its error says.
    private static readonly (string Typed, int ExitCode, string Says)[] Session =
    [
        ("consensusctl status", 0, "All is well: 3 members answer"),
        ("consensusctl members list", 0, "MEMBER\tID\tROLE"),
        ("consensusctl members add nobody", 1, "nobody"),
        ("consensusctl members promote nobody", 1, "nobody"),
        ("consensusctl members remove nobody", 1, "nobody"),
        ("consensusctl leader", 0, "n"),
        ("consensusctl leader show -o json", 0, "\"leader\""),
        ("consensusctl leader transfer", 0, "n"),
        ("consensusctl kv put app/colour blue", 0, "app/colour"),
        ("consensusctl kv put app/colour red --if-absent", 1, "modRevision is"),
        ("consensusctl kv put app/colour red --if-revision $(consensusctl kv get app/colour -o json | grep -o '\"modRevision\":[0-9]*' | cut -d: -f2)", 0, "app/colour"),
        ("consensusctl kv get app/colour --raw", 0, "red"),
        ("consensusctl kv list --prefix app/", 0, "app/colour"),
        ("consensusctl kv get app/none", 1, "app/none"),
        ("consensusctl kv watch app/size > seen & until [ -s seen ]; do sleep 0.1; done; consensusctl kv put app/size 3; until grep put seen; do sleep 0.1; done; kill $!; wait $!", 143, "put\tapp/size\t3"),
        ("consensusctl watch app/ --from-revision 2 > past & until grep red past; do sleep 0.1; done; kill $!; wait $!", 143, "put\tapp/colour\tred"),
        ("echo '{\"compare\":[{\"key\":\"app/colour\",\"target\":\"value\",\"operand\":\"red\"}],\"success\":[{\"put\":{\"key\":\"app/shape\",\"value\":\"round\"}}]}' > txn.json; consensusctl txn txn.json", 0, "app/shape"),
        ("echo '{\"compare\":[{\"key\":\"app/colour\",\"target\":\"value\",\"operand\":\"blue\"}],\"success\":[]}' | consensusctl txn -", 1, ""),
        ("consensusctl kv delete --prefix app/s", 0, "2"),
        ("consensusctl lease grant --ttl 10m -o json | tee lease", 0, "\"ttlMs\":600000"),
        ("consensusctl lease keepalive $(grep -o '\"id\":\"[0-9a-f]*' lease | cut -d'\"' -f4)", 0, "10m00s"),
        ("consensusctl kv put app/here yes --lease $(grep -o '\"id\":\"[0-9a-f]*' lease | cut -d'\"' -f4)", 0, "app/here"),
        ("consensusctl lease show $(grep -o '\"id\":\"[0-9a-f]*' lease | cut -d'\"' -f4)", 0, "app/here"),
        ("consensusctl lease list", 0, "10m00s"),
        ("consensusctl lease revoke $(grep -o '\"id\":\"[0-9a-f]*' lease | cut -d'\"' -f4)", 0, ""),
        ("consensusctl lock acquire jobs/a --owner ada --ttl 10m -o json | tee lock", 0, "\"fencingToken\":"),
        ("consensusctl lock acquire jobs/a --owner bob", 1, "ada"),
        ("consensusctl lock show jobs/a", 0, "ada"),
        ("consensusctl lock list", 0, "jobs/a"),
        ("consensusctl lock release jobs/a $(grep -o '\"fencingToken\":[0-9]*' lock | cut -d: -f2)", 0, "jobs/a"),
        ("consensusctl lock run jobs/a --ttl 15s --wait 5s --owner ada -- sh -c 'echo $CONSENSUS_LOCK $CONSENSUS_FENCING_TOKEN | grep -x \"jobs/a [0-9]*\"; exit 7'", 7, "jobs/a "),
        ("consensusctl elect boss --candidate ada -- sh -c 'consensusctl elect show boss; exit 3'", 3, "ada"),
        ("consensusctl elect show boss", 1, "boss"),
        ("consensusctl elect observe boss > leaders & until grep nobody leaders; do sleep 0.1; done; kill $!; wait $!", 143, "(nobody)"),
        ("consensusctl semaphore acquire pool --permits 2 --owner ada --ttl 10m -o json | tee semaphore", 0, "\"fencingToken\":"),
        ("consensusctl semaphore acquire pool --permits 2 --count 2 --owner bob", 1, ""),
        ("consensusctl semaphore show pool", 0, "ada"),
        ("consensusctl semaphore release pool $(grep -o '\"fencingToken\":[0-9]*' semaphore | cut -d: -f2)", 0, "pool"),
        ("consensusctl fence check db 3", 0, "db"),
        ("consensusctl fence check db 2", 1, "3"),
        ("consensusctl fence show db", 0, "3"),
        ("consensusctl snapshot save backup", 0, "verified"),
        ("consensusctl snapshot status backup", 0, "verified"),
        ("consensusctl snapshot restore backup --data-dir restored", 0, ""),
        ("consensusctl snapshot restore backup --data-dir restored", 1, "restored"),
        ("consensusctl check consistency", 0, "All 3 members are in the same state"),
        ("consensusctl bench --clients 2 --duration 1s --workload mixed", 0, "mixed"),
        ("consensusctl top -o json", 0, "\"members\""),
        ("eval \"$(consensusctl completion bash)\"; complete -p consensusctl", 0, "consensusctl"),
        ("consensusctl completion zsh", 0, "#compdef consensusctl"),
        ("consensusctl lock acquire", 2, "NAME"),
        ("consensusctl status --endpoints 127.0.0.1:1 --timeout 1s", 3, ""),
    ];

    [Test]
    public async Task Every_command_does_what_the_contract_says()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        await cluster.UntilReadyAsync();
        var endpoints = Enumerable.Range(0, 3).Select(member => $"127.0.0.1:{cluster.ClientPortOf(member)}");
        var variables = new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = string.Join(',', endpoints) };
        using var directory = new TemporaryDirectory();
        using var every = Assert.EnterMultipleScope();
        foreach (var (typed, exitCode, says) in Session)
        {
            var run = await BashRun.OfAsync(typed, directory.Path, variables);
            var said = exitCode is 0 or 3 or 7 or 143 ? run.Output : run.Output + run.Error;
            Assert.That((run.ExitCode, said.Contains(says, StringComparison.Ordinal)), Is.EqualTo((exitCode, true)), $"$ {typed}\n{run.Output}{run.Error}");
            Assert.That(run.Error, Does.Not.Contain("   at "), "no stack trace");
        }
    }
}
