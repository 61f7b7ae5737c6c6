using System.Text;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Client;

namespace Consensus.Cli.Checks;

/// <summary>A record that two members do not have alike; null where one has none.</summary>
internal sealed record DifferingItem(TableItemAnswer? Left, TableItemAnswer? Right)
{
    public string Name => (Left ?? Right)!.Name;
}

/// <param name="Items">The first that were found, in the table's order.</param>
/// <param name="More">At least so many more.</param>
/// <param name="IsExact">There are no others.</param>
/// <param name="Failure">Why it was not narrowed further; empty when all went well.</param>
internal sealed record NarrowedTable(IReadOnlyList<DifferingItem> Items, long More, bool IsExact, string Failure);

/// <summary>
/// Narrows a difference between two members' tables to records. One member cuts what differs into parts, the other is asked for the same parts, and so on with the parts that
/// differ: a question has room for many ranges, so several differences cost hardly more than one, and the first ones are found first however many there are.
/// </summary>
internal sealed class TableNarrowing(string table, IComparedMember left, IComparedMember right, CancellationToken cancellationToken)
{
    /// <summary>So many are named.</summary>
    public const int Most = 10;

    private const string History = "history";

    /// <summary>A range in which neither has more is listed.</summary>
    private const int FewRecords = 32;

    /// <summary>More than any table takes: a member that answers nonsense must not keep the check busy for ever.</summary>
    private const int MostQuestions = 1_000;

    /// <summary>Ranges that differ, the first in the table's order on top; none overlaps another.</summary>
    private readonly Stack<OpenRange> _open = new();

    private readonly List<DifferingItem> _items = [];

    /// <summary>Found beyond those that are named.</summary>
    private long _beyond;

    /// <summary>Differences of which it is known only that they are there.</summary>
    private long _unnamed;

    private int _questions;

    /// <summary>One range that differs, with how many records each has in it.</summary>
    /// <param name="IsWhole">It cannot be cut.</param>
    private readonly record struct OpenRange(string? From, string? To, long Left, long Right, bool IsWhole = false)
    {
        public bool IsListed => IsWhole || Math.Max(Left, Right) <= FewRecords;

        /// <summary>Who has more in it can cut it.</summary>
        public bool LeftCuts => Left >= Right;

        public TableRangeRequest Request => new() { From = From, To = To };
    }

    public async Task<NarrowedTable> RunAsync(long leftCount, long rightCount)
    {
        _open.Push(new OpenRange(null, null, leftCount, rightCount));
        var failure = "";
        while (failure.Length == 0 && _open.Count > 0 && _items.Count < Most)
        {
            var first = _open.Peek();
            var batch = new List<OpenRange>();
            while (batch.Count < ApiLimits.MaxTableRanges && _open.TryPeek(out var next) && next.IsListed == first.IsListed && (first.IsListed || next.LeftCuts == first.LeftCuts))
            {
                batch.Add(_open.Pop());
            }
            failure = await (first.IsListed ? ListAsync(batch) : CutAsync(batch, first.LeftCuts));
            if (_questions >= MostQuestions && _open.Count > 0 && failure.Length == 0)
            {
                failure = "too many questions were needed";
            }
        }
        return new NarrowedTable(_items, _beyond + _unnamed + _open.Sum(Least), _open.Count == 0 && _unnamed == 0, failure);
    }

    /// <returns>Why it was not done; empty when it was.</returns>
    private async Task<string> CutAsync(List<OpenRange> batch, bool leftCuts)
    {
        var (cutter, other) = leftCuts ? (left, right) : (right, left);
        var (cut, failure) = await AskAsync(cutter, [.. batch.Select(range => range.Request with { Parts = ApiLimits.MaxTableParts })]);
        IReadOnlyList<TableRangeAnswer> same = [];
        if (failure.Length == 0)
        {
            (same, failure) = await AskAsync(other, [.. cut.Zip(batch, (answer, range) => range.Request with { Cuts = answer.Cuts })]);
        }
        var parts = new List<OpenRange>();
        var done = 0;
        for (; failure.Length == 0 && done < Math.Min(cut.Count, same.Count); done++)
        {
            failure = Split(batch[done], cut[done], leftCuts ? cut[done] : same[done], leftCuts ? same[done] : cut[done], parts);
        }
        PushAll([.. parts, .. batch.Skip(failure.Length == 0 ? done : Math.Max(0, done - 1))]);
        return failure;
    }

    private string Split(OpenRange range, TableRangeAnswer cut, TableRangeAnswer leftHas, TableRangeAnswer rightHas, List<OpenRange> parts)
    {
        if (cut.Cuts is not { } cuts || leftHas.Sums?.Count != cuts.Count + 1 || rightHas.Sums?.Count != cuts.Count + 1)
        {
            return "an answer does not fit its question";
        }
        var before = parts.Count;
        for (var i = 0; i <= cuts.Count; i++)
        {
            var (leftSum, rightSum) = (leftHas.Sums[i], rightHas.Sums[i]);
            if (leftSum != rightSum)
            {
                var (from, to) = (i == 0 ? range.From : cuts[i - 1], i == cuts.Count ? range.To : cuts[i]);
                parts.Add(new OpenRange(from, to, leftSum.Count, rightSum.Count, IsWhole: cuts.Count == 0));
            }
        }
        return parts.Count > before ? "" : "a range differs, and its parts do not";
    }

    /// <returns>As <see cref="CutAsync"/>.</returns>
    private async Task<string> ListAsync(List<OpenRange> batch)
    {
        IReadOnlyList<TableRangeRequest> question = [.. batch.Select(range => range.Request with { Items = ApiLimits.MaxTableItems })];
        var (leftHas, failure) = await AskAsync(left, question);
        IReadOnlyList<TableRangeAnswer> rightHas = [];
        if (failure.Length == 0)
        {
            (rightHas, failure) = await AskAsync(right, question);
        }
        var done = failure.Length == 0 ? Math.Min(leftHas.Count, rightHas.Count) : 0;
        PushAll([.. batch.Skip(done)]);
        for (var i = 0; i < done; i++)
        {
            var found = _items.Count + _beyond;
            Merge(leftHas[i], rightHas[i]);
            if (_items.Count + _beyond == found || leftHas[i].More == true || rightHas[i].More == true)
            {
                _unnamed++;
            }
        }
        return failure;
    }

    /// <summary>Both lists have the order of their places. Where one has more than was listed, nothing is said of what comes after its last record.</summary>
    private void Merge(TableRangeAnswer leftHas, TableRangeAnswer rightHas)
    {
        var (lefts, rights) = (leftHas.Items ?? [], rightHas.Items ?? []);
        var (l, r) = (0, 0);
        while (l < lefts.Count || r < rights.Count)
        {
            if ((l == lefts.Count && leftHas.More == true) || (r == rights.Count && rightHas.More == true))
            {
                return;
            }
            var order = l == lefts.Count ? 1 : r == rights.Count ? -1 : Compare(lefts[l].Place, rights[r].Place);
            var left = order <= 0 ? lefts[l++] : null;
            var right = order >= 0 ? rights[r++] : null;
            if (left?.Digest != right?.Digest)
            {
                Found(new DifferingItem(left, right));
            }
        }
    }

    private static int Compare(string left, string right) => Bytes(left).AsSpan().SequenceCompareTo(Bytes(right));

    /// <summary>A place that is no base64 is told from others all the same.</summary>
    private static byte[] Bytes(string place)
    {
        var bytes = new byte[place.Length];
        return Convert.TryFromBase64String(place, bytes, out var length) ? bytes[..length] : Encoding.UTF8.GetBytes(place);
    }

    /// <summary>How many records differ in a range, at least. The history counts changes, and any number of them may be one record, of a revision.</summary>
    private long Least(OpenRange range) => table == History ? 1 : Math.Max(1, Math.Abs(range.Left - range.Right));

    private void Found(DifferingItem item)
    {
        if (_items.Count < Most)
        {
            _items.Add(item);
        }
        else
        {
            _beyond++;
        }
    }

    /// <param name="ranges">In the table's order, all before those that are open.</param>
    private void PushAll(List<OpenRange> ranges)
    {
        for (var i = ranges.Count - 1; i >= 0; i--)
        {
            _open.Push(ranges[i]);
        }
    }

    private async Task<(IReadOnlyList<TableRangeAnswer> Answers, string Failure)> AskAsync(IComparedMember member, IReadOnlyList<TableRangeRequest> ranges)
    {
        _questions++;
        ApiResult<TableRangesAnswer> answer = await member.AskAsync(table, ranges, cancellationToken);
        return !answer.Succeeded ? ([], $"{member.Name}: {answer.Problem.Detail.TrimEnd('.')}")
            : answer.Value.Ranges.Count is 0 || answer.Value.Ranges.Count > ranges.Count ? ([], $"{member.Name}: an answer does not fit its question")
            : (answer.Value.Ranges, "");
    }
}
