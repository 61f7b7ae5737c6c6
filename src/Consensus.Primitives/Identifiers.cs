using System.Globalization;

namespace Consensus.Primitives;

/// <summary>A Raft term: a period with at most one leader. Raft §5.1. Terms start at 0 (nothing heard yet).</summary>
public readonly record struct Term(long Value) : IComparable<Term>
{
    public static readonly Term Zero;

    public Term Next => new(Value + 1);

    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    public static bool operator <(Term a, Term b) => a.Value < b.Value;

    public static bool operator >(Term a, Term b) => a.Value > b.Value;

    public static bool operator <=(Term a, Term b) => a.Value <= b.Value;

    public static bool operator >=(Term a, Term b) => a.Value >= b.Value;

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A position in the replicated log. The first entry has index 1; 0 means "before the log". Raft §5.3.</summary>
public readonly record struct LogIndex(long Value) : IComparable<LogIndex>
{
    public static readonly LogIndex Zero;

    public LogIndex Next => new(Value + 1);

    public LogIndex Previous => new(Value - 1);

    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    public static bool operator <(LogIndex a, LogIndex b) => a.Value < b.Value;

    public static bool operator >(LogIndex a, LogIndex b) => a.Value > b.Value;

    public static bool operator <=(LogIndex a, LogIndex b) => a.Value <= b.Value;

    public static bool operator >=(LogIndex a, LogIndex b) => a.Value >= b.Value;

    public static LogIndex operator +(LogIndex a, long count) => new(a.Value + count);

    /// <summary>Number of entries from <paramref name="b"/> (exclusive) to <paramref name="a"/> (inclusive).</summary>
    public static long operator -(LogIndex a, LogIndex b) => a.Value - b.Value;

    public static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;

    public static LogIndex Max(LogIndex a, LogIndex b) => a > b ? a : b;

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// Who a member is: the first 63 bits of SHA-256 over its name and incarnation (rule 7), never 0 for a real member.
/// A wiped data directory has another incarnation, so it is another member.
/// </summary>
public readonly record struct MemberId(long Value) : IComparable<MemberId>
{
    /// <summary>No member: "voted for nobody", "no leader known".</summary>
    public static readonly MemberId None;

    public bool IsNone => Value == 0;

    public int CompareTo(MemberId other) => Value.CompareTo(other.Value);

    /// <summary>Sixteen lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>
/// The store's revision: rises by one for each write command that changes keys and for each grant, release or loss of a hold
/// (rule 16). An empty store is at revision 1.
/// </summary>
public readonly record struct Revision(long Value) : IComparable<Revision>
{
    /// <summary>The revision of an empty store.</summary>
    public static readonly Revision Initial = new(1);

    public static readonly Revision Zero;

    public Revision Next => new(Value + 1);

    public int CompareTo(Revision other) => Value.CompareTo(other.Value);

    public static bool operator <(Revision a, Revision b) => a.Value < b.Value;

    public static bool operator >(Revision a, Revision b) => a.Value > b.Value;

    public static bool operator <=(Revision a, Revision b) => a.Value <= b.Value;

    public static bool operator >=(Revision a, Revision b) => a.Value >= b.Value;

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The revision at which a hold was granted: strictly increasing over all grants of a cluster, never reused.</summary>
public readonly record struct FencingToken(long Value) : IComparable<FencingToken>
{
    public static readonly FencingToken None;

    public int CompareTo(FencingToken other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A lease: a random positive 63-bit number (rule 17); 0 means "no lease".</summary>
public readonly record struct LeaseId(long Value) : IComparable<LeaseId>
{
    public static readonly LeaseId None;

    public bool IsNone => Value == 0;

    public int CompareTo(LeaseId other) => Value.CompareTo(other.Value);

    /// <summary>Lower-case hexadecimal without leading zeros, as the API shows it.</summary>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>Reads the API's hexadecimal form. False for anything that is not 1 to 16 hex digits of a positive 63-bit number.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out LeaseId id)
    {
        id = None;
        if (text.Length is 0 or > 16
            || !long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || value <= 0)
        {
            return false;
        }
        id = new LeaseId(value);
        return true;
    }
}

/// <summary>
/// Cluster time in microseconds: the leader's monotonic elapsed time on top of the last stamp, never a wall clock (rule 1).
/// </summary>
public readonly record struct ClusterTime(long Micros) : IComparable<ClusterTime>
{
    public static readonly ClusterTime Zero;

    /// <summary>Later than every stamp.</summary>
    public static readonly ClusterTime Never = new(long.MaxValue);

    public ClusterTime PlusMicros(long micros) => new(checked(Micros + micros));

    public int CompareTo(ClusterTime other) => Micros.CompareTo(other.Micros);

    public static bool operator <(ClusterTime a, ClusterTime b) => a.Micros < b.Micros;

    public static bool operator >(ClusterTime a, ClusterTime b) => a.Micros > b.Micros;

    public static bool operator <=(ClusterTime a, ClusterTime b) => a.Micros <= b.Micros;

    public static bool operator >=(ClusterTime a, ClusterTime b) => a.Micros >= b.Micros;

    /// <summary>Microseconds from <paramref name="b"/> to <paramref name="a"/>.</summary>
    public static long operator -(ClusterTime a, ClusterTime b) => a.Micros - b.Micros;

    public static ClusterTime Max(ClusterTime a, ClusterTime b) => a > b ? a : b;

    public override string ToString() => Micros.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// Identifies one request of one process: the member that received it, that process's boot number, and a sequence within it.
/// It is in every log entry, so the receiving member recognises its own request when it applies it (rules 19, 20).
/// </summary>
public readonly record struct RequestId(MemberId Member, long Boot, long Sequence) : IComparable<RequestId>
{
    public static readonly RequestId None;

    public bool IsNone => Member.IsNone;

    public int CompareTo(RequestId other)
    {
        var byMember = Member.CompareTo(other.Member);
        if (byMember != 0)
        {
            return byMember;
        }
        var byBoot = Boot.CompareTo(other.Boot);
        return byBoot != 0 ? byBoot : Sequence.CompareTo(other.Sequence);
    }
}

/// <summary>
/// Which cluster: the first 63 bits of SHA-256 over its token and every initial member's name and incarnation, so that a cluster
/// made again, or restored, is another one. 0 means "not formed yet".
/// </summary>
public readonly record struct ClusterId(long Value)
{
    public static readonly ClusterId None;

    public bool IsNone => Value == 0;

    /// <summary>Sixteen lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
