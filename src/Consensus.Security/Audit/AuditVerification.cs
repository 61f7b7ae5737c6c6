using System.Globalization;

namespace Consensus.Security.Audit;

/// <summary>What one file of an audit log holds.</summary>
/// <param name="Path">As it was given.</param>
/// <param name="Member">Whose log it says that it is; empty when it says nothing.</param>
/// <param name="Records">How many records it has.</param>
/// <param name="First">The number of the first; 0 without any.</param>
/// <param name="Last">The number of the last; 0 without any.</param>
public sealed record AuditFileReport(string Path, string Member, long Records, long First, long Last);

/// <summary>What came of looking at the files of an audit log.</summary>
/// <param name="Files">In the order of their records.</param>
/// <param name="Wrong">One sentence for each place where the chain does not hold, without a stop; empty when all of it does.</param>
/// <param name="MoreWrong">How many there are beyond those.</param>
/// <param name="Notes">What is no fault, and is to be known, in sentences without a stop.</param>
public sealed record AuditReport(
    IReadOnlyList<AuditFileReport> Files, IReadOnlyList<string> Wrong, long MoreWrong, IReadOnlyList<string> Notes);

/// <summary>
/// Follows the chain of an audit log through one or several files, and names each line that was changed, taken out, cut or put elsewhere. It
/// goes on behind what is wrong, from what the line there says of itself, so that one fault is told once.
/// </summary>
/// <remarks>
/// Lines that are missing at the very end are not seen, nor is a log that was written anew as a whole: nothing outside of the files knows of
/// what was there.
/// </remarks>
public static class AuditVerification
{
    private const int MostSentences = 100;

    /// <summary>Looks at the files, whichever their order.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">One may not be read.</exception>
    public static AuditReport Verify(IReadOnlyList<string> paths)
    {
        var run = new Run();
        foreach (var path in InOrder(paths))
        {
            using var file = Open(path);
            run.Read(path, file);
        }
        return run.Report();
    }

    /// <summary>The files in the order of their records.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">One may not be read.</exception>
    public static IReadOnlyList<string> InOrder(IReadOnlyList<string> paths) => [.. paths.OrderBy(BeginningOf)];

    /// <summary>Opens a file that its member goes on writing.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static FileStream Open(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.Open,
        Access = FileAccess.Read,
        Share = FileShare.ReadWrite | FileShare.Delete,
        BufferSize = 0,
    });

    /// <summary>Which record a file begins behind; by its first record where its first line is gone.</summary>
    private static long BeginningOf(string path)
    {
        using var file = Open(path);
        foreach (var line in AuditLines.Of(file))
        {
            if (AuditLine.TryReadHeader(line.Bytes.Span, out _, out var head))
            {
                return head.Sequence;
            }
            if (AuditLine.TryRead(line.Bytes.Span, out head, out _))
            {
                return head.Sequence - 1;
            }
        }
        return long.MaxValue;
    }

    private sealed class Run
    {
        private readonly List<AuditFileReport> _files = [];
        private readonly List<string> _wrong = [];
        private readonly List<string> _notes = [];
        private long _moreWrong;
        private AuditHead? _head;
        private string _lastPath = "";

        public AuditReport Report() => new(_files, _wrong, _moreWrong, _notes);

        public void Read(string path, Stream file)
        {
            var (member, records, first, last) = ("", 0L, 0L, 0L);
            var hasBegun = false;
            foreach (var line in AuditLines.Of(file))
            {
                var where = string.Create(CultureInfo.InvariantCulture, $"{path} line {line.Number}");
                if (!line.IsWhole)
                {
                    Wrong($"{where} is cut off, or is too long for a record");
                }
                else if (AuditLine.TryReadHeader(line.Bytes.Span, out var owner, out var beginning))
                {
                    member = hasBegun ? member : owner;
                    Follow(where, path, beginning, isFirst: !hasBegun);
                }
                else if (AuditLine.TryRead(line.Bytes.Span, out var head, out var said))
                {
                    if (!hasBegun)
                    {
                        Wrong($"{where} is a record, and the line before it that says what it follows is missing");
                    }
                    Judge(where, head, said);
                    (records, first, last) = (records + 1, first == 0 ? head.Sequence : first, head.Sequence);
                }
                else
                {
                    Wrong($"{where} is no record: it was changed, or is none of this log");
                }
                hasBegun = true;
            }
            if (!hasBegun)
            {
                Wrong($"{path} is empty");
            }
            _files.Add(new AuditFileReport(path, member, records, first, last));
            _lastPath = path;
        }

        /// <summary>A first line: it has to say what was read last.</summary>
        private void Follow(string where, string path, AuditHead beginning, bool isFirst)
        {
            if (_head is not { } head)
            {
                if (beginning.Sequence > 0)
                {
                    _notes.Add(string.Create(
                        CultureInfo.InvariantCulture, $"{path} goes on behind record {beginning.Sequence}: what is before it was not given"));
                }
            }
            else if (beginning.Sequence > head.Sequence)
            {
                Missing(head.Sequence + 1, beginning.Sequence, isFirst ? $"between {_lastPath} and {path}" : $"before {where}");
            }
            else if (beginning.Sequence < head.Sequence)
            {
                Wrong(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{where} goes on behind record {beginning.Sequence}, and record {head.Sequence} was there already: another log, or begun anew"));
            }
            else if (beginning != head)
            {
                Wrong($"{where} does not follow from what is before it: one of the two was changed");
            }
            _head = beginning;
        }

        private void Judge(string where, AuditHead stated, ReadOnlySpan<byte> said)
        {
            if (_head is { } head)
            {
                var expected = head.Sequence + 1;
                if (stated.Sequence > expected)
                {
                    Missing(expected, stated.Sequence - 1, $"before {where}");
                }
                else if (stated.Sequence < expected)
                {
                    Wrong(string.Create(
                        CultureInfo.InvariantCulture, $"{where} is record {stated.Sequence}, where record {expected} belongs: it was put there"));
                }
                else if (!AuditLine.Link(head.Chain.Span, said).AsSpan().SequenceEqual(stated.Chain.Span))
                {
                    Wrong(string.Create(
                        CultureInfo.InvariantCulture, $"{where}, record {stated.Sequence}, was changed, or the line before it was"));
                }
            }
            _head = stated;
        }

        private void Missing(long from, long to, string place) => Wrong(from == to
            ? string.Create(CultureInfo.InvariantCulture, $"record {from} is missing {place}")
            : string.Create(CultureInfo.InvariantCulture, $"records {from} to {to} are missing {place}"));

        private void Wrong(string sentence)
        {
            if (_wrong.Count < MostSentences)
            {
                _wrong.Add(sentence);
            }
            else
            {
                _moreWrong++;
            }
        }
    }
}
