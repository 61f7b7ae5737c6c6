using System.Text;
using Consensus.Api;
using Consensus.Api.Watches;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Watches;

/// <summary>No message of a watch is larger than about 1 MiB as it is sent, but for one with a single event.</summary>
internal sealed class MessageSizeTests : ContractTest
{
    private const int Enough = (1 << 20) + 4096;

    private void Put(string key, string value) =>
        Node.Propose(new PutCommand(Key.FromText(key), Encoding.UTF8.GetBytes(value), LeaseId.None, KeyCondition.None));

    [TestCase(400_000, 'x', true)]
    [TestCase(600_000, 'x', false)]
    [TestCase(100_000, '\u0001', false)]
    public async Task A_key_before_its_event_is_told_unless_the_message_would_be_too_large_with_it(int length, char character, bool isTold)
    {
        var (old, now) = (new string(character, length), new string(character, length - 1));
        Put("k", old);
        using var watch = await EventStream.OpenAsync(Client, "/v1/kv/k?prev=true");
        await watch.ExpectAsync("open");
        Put("k", now);
        var message = await watch.ExpectAsync("put");
        var told = message.Read(ApiJson.Default.WatchEventData);
        Assert.That((told.Value == now, told.Prev?.Value == old, told.PrevOmitted), Is.EqualTo((true, isTold, !isTold)));
        if (isTold)
        {
            Assert.That(message.Data, Has.Length.LessThan(Enough));
        }
    }

    [Test]
    public async Task A_revision_with_many_large_events_is_several_messages_of_which_the_last_has_the_id()
    {
        const int Keys = 2_500;
        for (var i = 0; i < Keys; i++)
        {
            Put($"p/{i:0000}/{new string('k', 1000)}", "v");
        }
        var before = Node.Status.Revision.Value;
        using var watch = await EventStream.OpenAsync(Client, "/v1/kv/?prefix=p/");
        await watch.ExpectAsync("open");
        Node.Propose(new DeletePrefixCommand(Key.FromText("p/")));
        await AllAsync(watch);
        using var again = await EventStream.OpenAsync(Client, "/v1/kv/?prefix=p/", ("Last-Event-ID", $"{before}"));
        await again.ExpectAsync("open");
        await AllAsync(again);

        async Task AllAsync(EventStream stream)
        {
            var events = new List<WatchEventData>();
            WatchChangesData changes;
            var messages = 0;
            do
            {
                var message = await stream.ExpectAsync("changes");
                changes = message.Read(ApiJson.Default.WatchChangesData);
                Assert.That((changes.Revision, message.Id), Is.EqualTo((before + 1, changes.More ? (long?)null : before + 1)));
                Assert.That(message.Data, Has.Length.LessThan(Enough));
                events.AddRange(changes.Events);
                messages++;
            }
            while (changes.More);
            Assert.That(messages, Is.GreaterThan(2));
            Assert.That(events.Select(one => one.Key![2..6]), Is.EqualTo(Enumerable.Range(0, Keys).Select(i => i.ToString("0000", null))));
        }
    }
}
