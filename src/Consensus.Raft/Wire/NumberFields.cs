using Consensus.Primitives;
using Consensus.Primitives.Wire;

namespace Consensus.Raft.Wire;

/// <summary>
/// The fields of a message that has numbers only, by field number: sender and receiver as fixed64 in 1 and 2, varints from 3 on, the boot
/// of the process that asked as fixed64 in 9. Fields above are skipped. Every getter throws <see cref="WireFormatException"/> for a value out of its range.
/// </summary>
internal readonly ref struct NumberFields(Span<long> values)
{
    /// <summary>One more than the highest field number of any message.</summary>
    public const int Count = 10;

    /// <summary>Of the process that asked, in questions and in their answers.</summary>
    public const int BootField = 9;

    private readonly Span<long> _values = values;

    public MemberId From => new(_values[1]);

    public MemberId To => new(_values[2]);

    public long Boot => NotNegative(BootField);

    public void Read(ReadOnlySpan<byte> bytes)
    {
        _values.Clear();
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1 or 2:
                    _values[reader.Field] = RaftCodec.ReadMemberId(ref reader).Value;
                    break;
                case BootField when reader.Type == WireType.Fixed64:
                    _values[BootField] = (long)reader.Fixed64();
                    break;
                case < BootField when reader.Type == WireType.Varint:
                    _values[reader.Field] = reader.Int64();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    public long Any(int field) => _values[field];

    public long NotNegative(int field) =>
        _values[field] >= 0 ? _values[field] : throw new WireFormatException($"field {field} is negative or above 2^63 - 1");

    public Term Term(int field) => new(NotNegative(field));

    public LogIndex Index(int field) => new(NotNegative(field));

    public bool Flag(int field) => _values[field] switch
    {
        0 => false,
        1 => true,
        _ => throw new WireFormatException($"field {field} is not a boolean"),
    };
}
