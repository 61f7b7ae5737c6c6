using System.Buffers;
using System.Text;
using System.Text.Json;
using Consensus.Security.Audit;

namespace Consensus.Security.Tests.Audit;

/// <summary>What the lines of an audit log are, and what is found where somebody was at them.</summary>
internal sealed class AuditChainTests
{
    private readonly TemporaryDirectory _directory = new();

    [OneTimeTearDown]
    public void Remove() => _directory.Dispose();

    private static AuditRecord Record(string name = "a") =>
        new(AuditEvent.Request, new DateTimeOffset(2030, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(2)))
        {
            Principal = "svc",
            Credential = "c:00",
            Remote = "127.0.0.1:5",
            Method = "PUT",
            Route = "/v1/kv/{key}",
            Space = "keys",
            Verb = "write",
            Name = AuditText.Bounded(name),
            Decision = AuditRecord.Allowed,
            Rule = "svc",
            Status = 200,
            Revision = 7,
            Index = 9,
            DurationMicros = 1234,
            Key = AuditText.KeyHash("k"),
        };

    private static (List<string> Lines, AuditHead Head) Lines(int count, AuditHead? after = null)
    {
        var head = after ?? AuditHead.Empty;
        var to = new ArrayBufferWriter<byte>();
        AuditLine.WriteHeader(to, "n1", "c1", head);
        for (var i = 0; i < count; i++)
        {
            head = AuditLine.Write(to, "n1", "c1", Record(), head);
        }
        return ([.. Encoding.UTF8.GetString(to.WrittenSpan).Split('\n', StringSplitOptions.RemoveEmptyEntries)], head);
    }

    private string File(IEnumerable<string> lines, string end = "\n") => FileOf(string.Join('\n', lines) + end);

    private string FileOf(string text)
    {
        var path = Path.Combine(_directory.Path, Guid.NewGuid().ToString("n"));
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    private static IReadOnlyList<string> Wrong(params string[] paths) =>
        [.. AuditVerification.Verify(paths).Wrong.Select(sentence =>
            paths.Aggregate(sentence, (text, path) => text.Replace(path, "FILE")))];

    [Test]
    public void A_record_has_its_members_in_their_order()
    {
        var (lines, head) = Lines(1);
        var record = JsonDocument.Parse(lines[1]).RootElement;
        Assert.That(record.EnumerateObject().Select(member => member.Name), Is.EqualTo(new[]
        {
            "seq", "time", "member", "cluster", "event", "principal", "credential", "remote", "method", "route", "space", "verb", "name",
            "decision", "rule", "status", "revision", "index", "durationMs", "key", "chain",
        }));
        Assert.That(record.GetProperty("time").GetString(), Is.EqualTo("2030-01-02T01:04:05.678Z"));
        Assert.That(record.GetProperty("durationMs").GetDecimal(), Is.EqualTo(1.234m));
        Assert.That(record.GetProperty("key").GetString(), Has.Length.EqualTo(8));
        Assert.That(record.GetProperty("chain").GetString(), Is.EqualTo(head.Text));
    }

    [Test]
    public void What_was_left_alone_is_whole_in_any_order_of_its_files()
    {
        var (first, head) = Lines(5);
        var (second, last) = Lines(3, head);
        var paths = new[] { File(second), File(first) };
        var report = AuditVerification.Verify(paths);
        Assert.That((report.Wrong, report.Notes), Is.EqualTo((Array.Empty<string>(), Array.Empty<string>())));
        Assert.That(report.Files.Select(file => (file.Records, file.First, file.Last)), Is.EqualTo(new[] { (5L, 1L, 5L), (3L, 6L, 8L) }));
        Assert.That(last.Sequence, Is.EqualTo(8));
        Assert.That(AuditVerification.Verify([paths[0]]).Notes, Has.One.Contains("behind record 5"));
    }

    [Test]
    public void A_changed_line_is_named()
    {
        var (lines, _) = Lines(5);
        lines[3] = lines[3].Replace("\"svc\"", "\"xxx\"");
        Assert.That(Wrong(File(lines)), Is.EqualTo(new[] { "FILE line 4, record 3, was changed, or the line before it was" }));
    }

    [Test]
    public void A_line_that_was_changed_with_its_link_is_found_at_the_next()
    {
        var (lines, _) = Lines(5);
        Assert.That(AuditLine.TryRead(Encoding.UTF8.GetBytes(lines[2]), out var before, out _), Is.True);
        var changed = new ArrayBufferWriter<byte>();
        AuditLine.Write(changed, "n1", "c1", Record("other"), before);
        lines[3] = Encoding.UTF8.GetString(changed.WrittenSpan).TrimEnd();
        Assert.That(Wrong(File(lines)), Is.EqualTo(new[] { "FILE line 5, record 4, was changed, or the line before it was" }));
    }

    [Test]
    public void Each_byte_of_a_record_counts()
    {
        var (lines, _) = Lines(2);
        var line = lines[1];
        for (var i = 0; i < line.Length; i++)
        {
            var changed = line[..i] + (char)(line[i] ^ 1) + line[(i + 1)..];
            Assert.That(Wrong(File([lines[0], changed, lines[2]])), Is.Not.Empty, $"byte {i}");
        }
    }

    [Test]
    public void A_line_that_was_taken_out_is_named_and_so_are_several()
    {
        var (lines, _) = Lines(9);
        lines.RemoveAt(3);
        lines.RemoveRange(5, 2);
        Assert.That(Wrong(File(lines)), Is.EqualTo(new[]
        {
            "record 3 is missing before FILE line 4", "records 6 to 7 are missing before FILE line 6",
        }));
    }

    [Test]
    public void Lines_that_changed_places_are_named()
    {
        var (lines, _) = Lines(6);
        (lines[3], lines[4]) = (lines[4], lines[3]);
        var wrong = Wrong(File(lines));
        Assert.That(wrong, Has.One.EqualTo("record 3 is missing before FILE line 4"));
        Assert.That(wrong, Has.One.EqualTo("FILE line 5 is record 3, where record 5 belongs: it was put there"));
    }

    [Test]
    public void A_line_that_is_there_twice_is_named()
    {
        var (lines, _) = Lines(4);
        lines.Insert(3, lines[2]);
        Assert.That(Wrong(File(lines)), Has.One.EqualTo("FILE line 4 is record 2, where record 3 belongs: it was put there"));
    }

    [Test]
    public void A_cut_line_is_named_at_the_end_and_within()
    {
        var (lines, _) = Lines(4);
        Assert.That(
            Wrong(FileOf(string.Join('\n', lines)[..^20])),
            Is.EqualTo(new[] { "FILE line 5 is cut off, or is too long for a record" }));
        lines[2] = lines[2][..40];
        Assert.That(Wrong(File(lines)), Is.EqualTo(new[]
        {
            "FILE line 3 is no record: it was changed, or is none of this log", "record 2 is missing before FILE line 4",
        }));
    }

    [TestCase(AuditLine.MostBytes + 1)]
    [TestCase(10 * AuditLine.MostBytes)]
    public void A_line_of_any_length_is_no_record_and_takes_no_memory(int length)
    {
        var (lines, _) = Lines(3);
        lines.Insert(2, new string('x', length));
        Assert.That(Wrong(File(lines)), Is.EqualTo(new[] { "FILE line 3 is cut off, or is too long for a record" }));
    }

    [Test]
    public void A_missing_file_a_missing_first_line_and_an_empty_file_are_told()
    {
        var (first, one) = Lines(2);
        var (_, two) = Lines(2, one);
        var (third, _) = Lines(2, two);
        Assert.That(Wrong(File(first), File(third)), Is.EqualTo(new[] { "records 3 to 4 are missing between FILE and FILE" }));
        Assert.That(
            Wrong(File(first.Skip(1))),
            Is.EqualTo(new[] { "FILE line 1 is a record, and the line before it that says what it follows is missing" }));
        Assert.That(Wrong(FileOf("")), Is.EqualTo(new[] { "FILE is empty" }));
    }

    [Test]
    public void A_forged_first_line_does_not_hide_what_was_changed_before_it()
    {
        var (lines, _) = Lines(3);
        var forged = new AuditHead(3, new byte[AuditHead.ChainBytes]);
        var (more, _) = Lines(2, forged);
        Assert.That(
            Wrong(File(lines.Concat(more))),
            Is.EqualTo(new[] { "FILE line 5 does not follow from what is before it: one of the two was changed" }));
    }

    [Test]
    public void A_log_that_begins_anew_beside_another_is_told()
    {
        var (first, _) = Lines(3);
        var (again, _) = Lines(2);
        Assert.That(Wrong(File(first), File(again)), Has.Some.Contains("begun anew"));
    }

    [Test]
    public void Sentences_are_bounded()
    {
        var (lines, _) = Lines(1);
        var report = AuditVerification.Verify([File(lines.Concat(Enumerable.Repeat("x", 1_000)))]);
        Assert.That((report.Wrong.Count, report.MoreWrong), Is.EqualTo((100, 900L)));
    }

    [TestCase("\n\"},{\"seq\":1")]
    [TestCase("\u001b[2J\u0007\u009b31m")]
    [TestCase("\u202e\u2028\0")]
    [TestCase("\ud800 alone")]
    public void Whatever_a_name_or_an_address_holds_is_one_line_of_ascii_and_json(string text)
    {
        var to = new ArrayBufferWriter<byte>();
        AuditLine.Write(
            to, "n1", "c1", Record(text) with { Principal = text, Remote = text, Method = text, Credential = text, Rule = text },
                AuditHead.Empty);
        var line = to.WrittenSpan;
        Assert.That(line.IndexOf((byte)'\n'), Is.EqualTo(line.Length - 1));
        Assert.That(line[..^1].ContainsAnyExceptInRange((byte)' ', (byte)'~'), Is.False);
        var told = JsonDocument.Parse(line.ToArray()).RootElement.GetProperty("name").GetString();
        Assert.That(told, text.Any(char.IsSurrogate) ? Does.Contain("…sha256:") : Is.EqualTo(text));
    }

    [Test]
    public void A_long_name_is_cut_between_two_characters_and_found_by_its_hash()
    {
        var (one, two) = (new string('ä', 100), new string('ä', 101));
        var (cut, other) = (AuditText.Bounded(Encoding.UTF8.GetBytes(one)), AuditText.Bounded(two));
        Assert.That(cut, Does.StartWith(new string('ä', 64) + "…sha256:").And.Not.EqualTo(other));
        Assert.That(AuditText.Bounded("a" + one), Does.StartWith("a" + new string('ä', 63) + "…sha256:"));
        Assert.That(AuditText.Bounded(new string('x', 128)), Is.EqualTo(new string('x', 128)));
        Assert.That(AuditText.Bounded([0xff, 0x41]), Does.StartWith("\ufffdA…sha256:"));
    }

    [Test]
    public void The_longest_record_is_a_line_that_is_read()
    {
        var worst = string.Concat(Enumerable.Repeat("\u0001", 1_000));
        var to = new ArrayBufferWriter<byte>();
        AuditLine.Write(
            to,
            "n1",
            "c1",
            Record(worst) with
            {
                Principal = worst,
                Remote = worst,
                Method = worst,
                Credential = worst,
                Rule = worst,
                Count = long.MaxValue
            },
            AuditHead.Empty);
        Assert.That(to.WrittenCount, Is.LessThan(AuditLine.MostBytes));
    }
}
