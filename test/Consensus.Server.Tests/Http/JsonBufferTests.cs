using System.Collections;
using System.Text;
using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Node.Core.Flow;
using Consensus.Server.Documents;
using Consensus.Server.Http;

namespace Consensus.Server.Tests.Http;

/// <summary>Room for a large answer is asked for before it is made.</summary>
internal sealed class JsonBufferTests
{
    private const int Budget = 1 << 20;

    [Test]
    public void A_large_answer_holds_its_parts_while_it_is_written_and_until_it_is_let_go()
    {
        var budget = new ByteBudget(Budget);
        var buffer = JsonBuffer.Rent(budget, isUrgent: false, isOwed: false);
        Write(buffer, 10_000);
        Assert.That(budget.Held, Is.Zero, "a small one is the connection's own");
        Write(buffer, 400_000);
        Assert.That(budget.Held, Is.InRange(410_000, 500_000), "before it is sent");
        var answer = buffer.Take();
        Assert.That(answer.Length, Is.InRange(410_000, 420_000));
        answer.LetGo();
        Assert.That(budget.Held, Is.Zero);
    }

    [Test]
    public void What_has_no_room_is_refused_and_holds_nothing()
    {
        var budget = new ByteBudget(Budget);
        var buffer = JsonBuffer.Rent(budget, isUrgent: false, isOwed: false);
        for (var i = 0; i < 40; i++)
        {
            Write(buffer, 100_000);
            Assert.That(budget.Held, Is.LessThanOrEqualTo(budget.OrdinaryLimit));
        }
        buffer.Json.Flush();
        Assert.That((buffer.IsRefused, budget.Held), Is.EqualTo((true, 0L)));
        buffer.Return();
    }

    [TestCase(MediaForms.Json)]
    [TestCase(MediaForms.MessagePack)]
    public void What_cannot_be_written_to_its_end_holds_nothing(MediaForms form)
    {
        var budget = new ByteBudget(Budget);
        var page = new KeyListAnswer(new BrokenPage(budget), BrokenPage.Items, 1, null);
        Assert.That(
            () => JsonBuffer.Rent(budget, isUrgent: false, isOwed: false).Write(page, ApiJson.Default.KeyListAnswer, form),
            Throws.InstanceOf<InsufficientMemoryException>(),
            "it was to break when it is large");
        Assert.That(budget.Held, Is.Zero);
        Assert.That(
            () => JsonBuffer.Rent(budget, isUrgent: false, isOwed: false).Write(new BrokenDocument(budget), form),
            Throws.InstanceOf<InsufficientMemoryException>());
        Assert.That(budget.Held, Is.Zero);
    }

    [Test]
    public void What_is_owed_is_written_with_and_without_room()
    {
        var budget = new ByteBudget(Budget);
        budget.Hold(Budget);
        var buffer = JsonBuffer.Rent(budget, isUrgent: false, isOwed: true);
        Write(buffer, 100_000);
        buffer.Json.Flush();
        Assert.That(buffer.IsRefused, Is.False);
        Assert.That(Encoding.UTF8.GetString(buffer.ToBytes(0, 0)), Has.Length.GreaterThan(100_000));
        buffer.Return();
        Assert.That(budget.Held, Is.EqualTo(Budget));
    }

    [Test]
    public void A_kept_buffer_begins_anew()
    {
        var budget = new ByteBudget(Budget);
        for (var i = 0; i < 3; i++)
        {
            var buffer = JsonBuffer.Rent(budget, isUrgent: false, isOwed: false);
            buffer.Json.WriteStringValue("abc");
            Assert.That(Encoding.UTF8.GetString(buffer.Written), Is.EqualTo("\"abc\""));
            buffer.Return();
        }
    }

    private static void Write(JsonBuffer buffer, int bytes) => buffer.Json.WriteBase64StringValue(new byte[bytes / 4 * 3]);

    /// <summary>What comes first is large, and the rest cannot be had.</summary>
    private sealed class BrokenPage(ByteBudget budget) : List<KeyAnswer>(Enumerable.Repeat(Item(), Items)), IReadOnlyList<KeyAnswer>, IEnumerable
    {
        public const int Items = 10;

        IEnumerator<KeyAnswer> IEnumerable<KeyAnswer>.GetEnumerator() => Broken();

        IEnumerator IEnumerable.GetEnumerator() => Broken();

        private static KeyAnswer Item() => new() { Key = new string('k', 100_000), CreateRevision = 1, ModRevision = 1, Version = 1, Lease = null };

        private IEnumerator<KeyAnswer> Broken()
        {
            yield return this[0];
            yield return this[1];
            throw budget.Held > 0 ? new InsufficientMemoryException() : new InvalidOperationException("nothing is held");
        }
    }

    private readonly struct BrokenDocument(ByteBudget budget) : IDocument
    {
        private static readonly FieldName Name = new("a");

        public void WriteTo<TWriter>(ref TWriter writer)
            where TWriter : IDocumentWriter, allows ref struct
        {
            writer.BeginObject(2);
            writer.Bytes(Name, Encoding.UTF8.GetBytes(new string('a', 100_000)));
            writer.Bytes(Name, Encoding.UTF8.GetBytes(new string('b', 100_000)));
            throw budget.Held > 0 ? new InsufficientMemoryException() : new InvalidOperationException("nothing is held");
        }
    }
}
