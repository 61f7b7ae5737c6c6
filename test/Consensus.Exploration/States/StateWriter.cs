using System.Collections;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Consensus.Primitives;
using Consensus.Primitives.Wire;

namespace Consensus.Exploration.States;

/// <summary>
/// Writes a whole state in a canonical form: two states with equal bytes behave alike from here on. Every field is written as <see cref="Meaning"/> reads it.
/// </summary>
internal sealed class StateWriter(Meaning meaning)
{
    private readonly WireWriter _writer = new(4096);

    /// <summary>The canonical form's hash, of 128 bits.</summary>
    public UInt128 HashOf(object state)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Write(state), hash);
        return MemoryMarshal.Read<UInt128>(hash);
    }

    public ReadOnlySpan<byte> Write(object state)
    {
        _writer.Clear();
        WriteValue(state, 0);
        return _writer.Written;
    }

    private void WriteValue(object? value, long now)
    {
        switch (value)
        {
            case null:
                _writer.RawVarint(0);
                break;
            case string text:
                _writer.RawVarint(1);
                _writer.String(1, text);
                break;
            case ReadOnlyMemory<byte> bytes:
                _writer.RawVarint((ulong)bytes.Length + 1);
                _writer.Raw(bytes.Span);
                break;
            case IConvertible number:
                Invariant.Require(value is not (float or double or decimal), "a number of a state is a whole one: of a fraction a part would be lost here");
                _writer.RawVarint(unchecked((ulong)number.ToInt64(CultureInfo.InvariantCulture)));
                break;
            case IEnumerable elements:
                WriteElements(elements, now);
                break;
            default:
                WriteFields(value, now);
                break;
        }
    }

    private void WriteFields(object value, long now)
    {
        var type = value.GetType();
        Invariant.Require(Kinds.IsOurs(type), $"the type {type} is known to be part of a state");
        _writer.RawVarint((ulong)meaning.NumberOf(type));
        now = Meaning.NowOf(value) ?? now;
        foreach (var field in Kinds.FieldsOf(type))
        {
            var content = meaning.Of(field, value, now);
            if (Nullable.GetUnderlyingType(field.FieldType) is not null)
            {
                // Else what is not there would be written as 0 is.
                _writer.RawVarint(content is null ? 0UL : 1UL);
            }
            WriteValue(content, now);
        }
    }

    private void WriteElements(IEnumerable elements, long now)
    {
        var count = 0;
        foreach (var element in IsSet(elements) ? elements.Cast<object>().Order() : elements)
        {
            count++;
            WriteValue(element, now);
        }
        _writer.RawVarint((ulong)count);
    }

    private static bool IsSet(IEnumerable elements) => elements.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(HashSet<>);
}
