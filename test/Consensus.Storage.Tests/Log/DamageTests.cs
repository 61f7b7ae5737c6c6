using Consensus.Node.Ports;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Log;

/// <summary>
/// Damage at every place of a small log of several segments. Rule 10: what a later frame calls durable is recovered or refused; only the
/// last frame, which nothing vouches for yet, may be cut, and then it is said (raft-bugs 10).
/// </summary>
[TestFixture(true, false)]
[TestFixture(false, false)]
[TestFixture(true, true)]
[TestFixture(false, true)]
public sealed class DamageTests(bool covered, bool isSealed)
{
    private StorageOptions Options { get; } =
        isSealed ? OpenMember.Sealed() with { SegmentBytes = 1280 } : OpenMember.SmallSegments with { SegmentBytes = 1024 };
    private const int LostBytes = 64;
    private SimulatedDisk _disk = null!;
    private LogMap _map = null!;
    private string _whole = "";
    private string _withoutLastFrame = "";

    private enum Outcome
    {
        Refused,
        Whole,
        LastFrameCut,
    }

    [OneTimeSetUp]
    public void BuildLog()
    {
        _disk = new SimulatedDisk(7);
        using (var member = OpenMember.Start(_disk, options: Options))
        {
            var model = ModelLog.Empty;
            var batches = new List<PersistRequest[]>
            {
                new[] { member.Request(vote: Make.Vote(1, 11)) },
                new[] { member.Request(entries: Make.Entries(1, 3, 1, 40)) },
                new[] { member.Request(entries: Make.Entries(4, 2, 1, 70)), member.Request(vote: Make.Vote(2, 12)) },
                new[] { member.Request(entries: Make.Entries(4, 3, 2, 130)) },
                new[] { member.Request(entries: Make.Entries(7, 2, 2, 10)) },
                new[] { member.Request(vote: Make.Vote(3)) },
                new[] { member.Request(entries: Make.Entries(8, 2, 3, 200)) },
                new[] { member.Request(entries: Make.Entries(10, 1, 3, 60)) },
                new[] { member.Request(entries: Make.Entries(10, 1, 4, 30), vote: Make.Vote(4)) },
            };
            foreach (var batch in batches)
            {
                _withoutLastFrame = model.ToString();
                member.Log.Append(batch);
                model = model.After(batch);
            }
            _whole = model.ToString();
            if (covered)
            {
                member.Log.AppendEmptyFrame();
                _withoutLastFrame = _whole;
            }
        }
        _map = LogMap.Of(_disk);
        Assert.That(_map.Paths, Has.Count.EqualTo(3));
        Assert.That(_map.Frames.Count(frame => frame.Path == _map.LastPath), Is.GreaterThanOrEqualTo(2));
    }

    [Test]
    public void A_flipped_bit_anywhere_loses_nothing_that_a_later_frame_calls_durable()
    {
        var seen = new Dictionary<Outcome, int>();
        foreach (var path in _map.Paths)
        {
            var end = _map.Frames.Last(frame => frame.Path == path).End;
            for (var offset = 0; offset < _disk.Contents(path).Length; offset++)
            {
                for (var bit = 0; bit < 8; bit++)
                {
                    var damaged = _disk.Copy(3);
                    damaged.FlipBit(path, offset, bit);
                    var outcome = Recover(damaged, path, $"{path} offset {offset} bit {bit}", out var notes);

                    var expected = Expected(path, offset, end);
                    Assert.That(outcome, Is.EqualTo(expected), $"{path} offset {offset} bit {bit}");
                    Assert.That(notes, Is.EqualTo(expected == Outcome.Refused || path != _map.LastPath ? 0 : 1),
                        $"a cut is said: {path} offset {offset} bit {bit}");
                    seen[outcome] = seen.GetValueOrDefault(outcome) + 1;
                    bit += offset > end ? 7 : 0;
                }
            }
        }
        Assert.That(seen.Keys, Is.EquivalentTo(covered ? [Outcome.Refused, Outcome.Whole] : Enum.GetValues<Outcome>()));
    }

    [Test]
    public void A_segment_cut_off_anywhere_is_refused_unless_nothing_can_be_missing()
    {
        foreach (var path in _map.Paths)
        {
            var contents = _disk.Contents(path);
            var end = _map.Frames.Last(frame => frame.Path == path).End;
            for (var length = 0; length < contents.Length; length++)
            {
                var damaged = _disk.Copy(3);
                damaged.Replace(path, contents.AsSpan(0, length));
                var outcome = Recover(damaged, path, $"{path} cut at {length}", out var notes);

                // Room for a frame header that is not there shows where the frames ended; a header of a later segment shows it too.
                var nothingMissing = path == _map.LastPath ? length >= end + 40 : length >= end;
                Assert.That(outcome, Is.EqualTo(nothingMissing ? Outcome.Whole : Outcome.Refused), $"{path} cut at {length}");
                Assert.That(notes, Is.EqualTo(nothingMissing && path == _map.LastPath ? 1 : 0));
            }
        }
    }

    [Test]
    public void Zeros_over_the_end_of_an_earlier_segment_are_refused()
    {
        foreach (var path in _map.Paths.SkipLast(1))
        {
            var end = _map.Frames.Last(frame => frame.Path == path).End;
            for (var from = 0; from < end; from++)
            {
                var damaged = _disk.Copy(3);
                var contents = _disk.Contents(path);
                if (contents.AsSpan(from, end - from).IndexOfAnyExcept((byte)0) < 0)
                {
                    continue;
                }
                contents.AsSpan(from).Clear();
                damaged.Replace(path, contents);
                Assert.That(Recover(damaged, path, $"{path} zeroed from {from}", out _), Is.EqualTo(Outcome.Refused), $"{path} zeroed from {from}");
            }
        }
    }

    [Test]
    public void A_lost_stretch_is_refused_when_a_frame_after_it_is_left()
    {
        var tried = 0;
        foreach (var path in _map.Paths)
        {
            var end = path == _map.LastPath ? _map.LastFrame.Offset : _map.Frames.Last(frame => frame.Path == path).End;
            for (var start = 0; start + LostBytes <= end; start += 16)
            {
                foreach (var fill in new byte[] { 0, 0xFF })
                {
                    var damaged = _disk.Copy(3);
                    var contents = _disk.Contents(path);
                    contents.AsSpan(start, LostBytes).Fill(fill);
                    damaged.Replace(path, contents);

                    Assert.That(Recover(damaged, path, "", out _), Is.EqualTo(Outcome.Refused), $"{path} from {start} filled with {fill}");
                    tried++;
                }
            }
        }
        Assert.That(tried, Is.GreaterThan(100));
    }

    private Outcome Expected(string path, int offset, int end)
    {
        if (offset >= end)
        {
            return Outcome.Whole;
        }
        if (path != _map.LastPath || offset < _map.LastFrame.Offset)
        {
            return Outcome.Refused;
        }
        return covered ? Outcome.Whole : Outcome.LastFrameCut;
    }

    private Outcome Recover(SimulatedDisk damaged, string path, string what, out int notes)
    {
        notes = 0;
        string found;
        try
        {
            using var member = OpenMember.Start(damaged, options: Options);
            notes = member.Recovered.Notes.Count;
            found = ModelLog.Of(member.Recovered).ToString();
        }
        catch (StorageRefusedException e)
        {
            Assert.That(e.Message, Does.Contain(Path.GetFileName(path)), what);
            return Outcome.Refused;
        }
        if (found == _whole)
        {
            return Outcome.Whole;
        }
        Assert.That(found, Is.EqualTo(_withoutLastFrame), what);
        return Outcome.LastFrameCut;
    }
}
