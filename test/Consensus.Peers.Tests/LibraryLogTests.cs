using Consensus.Peers.Serving;
using Consensus.Peers.Trials;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using DotNext.IO.Log;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft.StateMachine;

namespace Consensus.Peers.Tests;

/// <summary>Our state on the library's own log, without a network.</summary>
public sealed class LibraryLogTests
{
    private readonly List<Outcome> _outcomes = [];
    private DirectoryInfo _directory = null!;

    [SetUp]
    public void Begin()
    {
        _outcomes.Clear();
        _directory = Directory.CreateTempSubdirectory("consensus-peers-tests-");
    }

    [TearDown]
    public void RemoveDirectory() => _directory.Delete(recursive: true);

    [Test]
    public async Task What_was_committed_is_applied_again_after_a_restart_from_the_snapshot_on()
    {
        StateHash hash;
        await using (var state = NewState())
        await using (var log = NewLog(state))
        {
            await log.InitializeAsync();
            for (var number = 1; number <= 5; number++)
            {
                var index = await log.AppendAsync(Entry(number));
                await log.CommitAsync(index);
                await log.WaitForApplyAsync(index);
            }
            hash = state.View.Hash;
            await log.FlushAsync();
        }
        Assert.That(_outcomes, Has.Count.EqualTo(5).And.All.TypeOf<PutDone>());
        _outcomes.Clear();

        await using var restored = NewState();
        await restored.RestoreAsync();
        Assert.That(restored.View.AppliedIndex, Is.EqualTo(new LogIndex(3)), "the snapshot after three entries");
        await using var reopened = NewLog(restored);
        await reopened.InitializeAsync();
        Assert.Multiple(() =>
        {
            Assert.That(restored.View.Hash, Is.EqualTo(hash));
            Assert.That(_outcomes, Has.Count.EqualTo(2), "what is in the snapshot is not applied again");
        });
    }

    [Test]
    public async Task An_empty_entry_of_the_library_only_counts_as_an_index()
    {
        await using var state = NewState();
        await using var log = NewLog(state);
        await log.InitializeAsync();
        await log.AppendAsync(new EmptyLogEntry { Term = 1 });
        var index = await log.AppendAsync(Entry(1));
        await log.CommitAsync(index);
        await log.WaitForApplyAsync(index);
        Assert.That((state.View.AppliedIndex, state.View.Revision), Is.EqualTo((new LogIndex(2), Revision.Initial.Next)));
    }

    [Test]
    public async Task A_follower_that_flushes_has_on_its_disk_what_it_appended_when_the_append_returns()
    {
        await using var state = NewState();
        await using var log = new FlushedLog(OptionsIn("log"), state);
        await log.InitializeAsync();
        IAuditTrail<IRaftLogEntry> trail = log;
        await trail.AppendAsync(new LogEntryProducer<BinaryLogEntry>([Entry(1), Entry(2)]), startIndex: 1);
        Copy("log", "copied");
        await using var copied = new WriteAheadLog(OptionsIn("copied"), IStateMachine.CreateNoOp());
        Assert.That(copied.LastEntryIndex, Is.EqualTo(2));
    }

    /// <summary>Should a release mend it, docs/peers/dotnext.md and docs/decisions/0001 have a sentence less.</summary>
    [Test]
    public async Task A_shorter_duplicate_of_a_batch_truncates_the_librarys_log() =>
        Assert.That(await DuplicateTrial.AppendAsync(), Is.EqualTo((Before: 5L, After: 3L)));

    private static BinaryLogEntry Entry(int number)
    {
        var put = new PutCommand(new Key([(byte)('a' + number)]), "value"u8.ToArray(), LeaseId.None, KeyCondition.None);
        var request = new RequestId(new MemberId(1), 1, number);
        return new BinaryLogEntry { Term = 1, Content = LoggedCommand.Write(request, new CommandEnvelope(put)) };
    }

    private AppliedState NewState() =>
        new(_directory.CreateSubdirectory("snapshots"), snapshotEntries: 3, resolution => _outcomes.Add(resolution.Outcome));

    private WriteAheadLog NewLog(AppliedState state) => new(OptionsIn("log"), state);

    private WriteAheadLog.Options OptionsIn(string name) => new() { Location = Path.Combine(_directory.FullName, name) };

    private void Copy(string from, string to)
    {
        var source = new DirectoryInfo(Path.Combine(_directory.FullName, from));
        foreach (var file in source.EnumerateFiles("*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(_directory.FullName, to, Path.GetRelativePath(source.FullName, file.FullName));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            // The library lets others read what it has open, and .NET's copy would ask for more than that.
            using var open = new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var copy = File.Create(target);
            open.CopyTo(copy);
        }
    }
}
