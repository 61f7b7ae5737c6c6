using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Consensus.Primitives;
using Consensus.Primitives.Wire;

namespace Consensus.StateMachine.Wire;

/// <summary>The fields of one message, gathered by number and checked against the message's shape, so that nothing unknown is passed over (rule 12).</summary>
/// <remarks>On the stack: every command that is applied is read through one.</remarks>
internal readonly ref struct Fields
{
    /// <summary>Field numbers of a message are 1 to this.</summary>
    public const int MaxFields = 31;

    private static readonly System.Text.UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly ReadOnlyMemory<byte> _body;
    private readonly Numbers _numbers;
    private readonly Parts _parts;
    private readonly List<long>? _repeatedNumbers;
    private readonly List<ReadOnlyMemory<byte>>? _repeatedMessages;
    private readonly int _present;

    public Fields(ReadOnlyMemory<byte> body, MessageShape shape)
    {
        var kinds = shape.Kinds;
        _body = body;
        var reader = new WireReader(body.Span);
        while (reader.NextField())
        {
            var kind = reader.Field <= kinds.Length ? kinds[reader.Field - 1] : FieldKind.None;
            if (kind == FieldKind.None)
            {
                reader.RefuseUnknown(shape.What);
            }
            if (Has(reader.Field) && kind is not (FieldKind.Numbers or FieldKind.Ids or FieldKind.Messages))
            {
                throw new WireFormatException($"{shape.What} has the field {reader.Field} twice");
            }
            _present |= 1 << reader.Field;
            switch (kind)
            {
                case FieldKind.Number:
                    _numbers[reader.Field] = NotNegative(reader.Int64());
                    break;
                case FieldKind.Id:
                    _numbers[reader.Field] = NotNegative((long)reader.Fixed64());
                    break;
                case FieldKind.Hash:
                    _numbers[reader.Field] = (long)reader.Fixed64();
                    break;
                case FieldKind.Numbers:
                    (_repeatedNumbers ??= []).Add(NotNegative(reader.Int64()));
                    break;
                case FieldKind.Ids:
                    (_repeatedNumbers ??= []).Add(NotNegative((long)reader.Fixed64()));
                    break;
                case FieldKind.Messages:
                    (_repeatedMessages ??= []).Add(Slice(body, ref reader));
                    break;
                default:
                    var length = reader.Bytes().Length;
                    _parts[reader.Field] = (body.Length - reader.Remaining - length, length);
                    break;
            }
        }
    }

    [InlineArray(MaxFields + 1)]
    private struct Numbers
    {
        private long _first;
    }

    [InlineArray(MaxFields + 1)]
    private struct Parts
    {
        private (int Start, int Length) _first;
    }

    public bool Has(int field) => (_present & (1 << field)) != 0;

    public long Number(int field) => _numbers[field];

    public bool Flag(int field) => _numbers[field] switch
    {
        0 => false,
        1 => true,
        _ => throw new WireFormatException("a flag that is neither set nor clear"),
    };

    public ReadOnlyMemory<byte> Bytes(int field) => _body.Slice(_parts[field].Start, _parts[field].Length);

    public Key Key(int field) => Consensus.StateMachine.Key.Own(Bytes(field).ToArray());

    public LeaseId Lease(int field) => new(_numbers[field]);

    public ClusterTime Time(int field) => new(_numbers[field]);

    public HoldSpace Space(int field) => _numbers[field] is var number && number <= (long)HoldSpace.Election
        ? (HoldSpace)number
        : throw new WireFormatException($"a name space of the unknown number {number}");

    public LockMode Mode(int field) => _numbers[field] is var number && number <= (long)LockMode.Shared
        ? (LockMode)number
        : throw new WireFormatException($"a lock mode of the unknown number {number}");

    /// <summary>A value of an enumeration that has names for all of its.</summary>
    public T Known<T>(int field)
        where T : struct, Enum
    {
        var value = (T)Enum.ToObject(typeof(T), _numbers[field]);
        return Enum.IsDefined(value) ? value : throw new WireFormatException($"{_numbers[field]} is no {typeof(T).Name}");
    }

    public string Text(int field) => TextOf(Bytes(field));

    /// <summary>The repeated texts; a shape has one such field at most.</summary>
    public ImmutableArray<string> Texts() => [.. (_repeatedMessages ?? []).Select(TextOf)];

    private static string TextOf(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes.Span);
        }
        catch (System.Text.DecoderFallbackException)
        {
            throw new WireFormatException("a text that is not UTF-8");
        }
    }

    public RequestId Request(int field) => RequestIdCodec.Read(Bytes(field));

    /// <summary>The repeated numbers; a shape has one such field at most.</summary>
    public ImmutableArray<FencingToken> Tokens() => [.. (_repeatedNumbers ?? []).Select(number => new FencingToken(number))];

    /// <summary>As <see cref="Tokens"/>.</summary>
    public ImmutableArray<LeaseId> Leases() => [.. (_repeatedNumbers ?? []).Select(number => new LeaseId(number))];

    /// <summary>The repeated messages; a shape has one such field at most.</summary>
    public ImmutableArray<RequestId> Requests() => [.. (_repeatedMessages ?? []).Select(RequestIdCodec.Read)];

    /// <summary>The repeated bytes; a shape has one such field at most.</summary>
    public ImmutableArray<Key> Keys() => [.. (_repeatedMessages ?? []).Select(bytes => Consensus.StateMachine.Key.Own(bytes.ToArray()))];

    /// <summary>The repeated messages, whole.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Messages() => _repeatedMessages ?? [];

    /// <summary>The next field's bytes as a part of the memory that is read.</summary>
    public static ReadOnlyMemory<byte> Slice(ReadOnlyMemory<byte> whole, ref WireReader reader)
    {
        var part = reader.Bytes();
        return whole.Slice(whole.Length - reader.Remaining - part.Length, part.Length);
    }

    private static long NotNegative(long value) =>
        value >= 0 ? value : throw new WireFormatException("a negative number where none can be");
}
