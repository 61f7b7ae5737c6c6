using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Consensus.Exploration.States;

/// <summary>What the types of a state are made of, read from the types themselves: a field that is added tomorrow is part of the state without a word here.</summary>
internal static class Kinds
{
    private static readonly ConcurrentDictionary<Type, FieldInfo[]> FieldsOfType = new();
    private static readonly ConcurrentDictionary<Type, bool> ImmutableTypes = new();

    /// <summary>All fields of an instance, those of base types first.</summary>
    public static FieldInfo[] FieldsOf(Type type) => FieldsOfType.GetOrAdd(type, static t =>
    {
        var fields = new List<FieldInfo>();
        for (var at = t; at is not null && at != typeof(object) && at != typeof(ValueType); at = at.BaseType)
        {
            fields.InsertRange(0, at.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly));
        }
        return [.. fields];
    });

    /// <summary>Whether two states may share an object of this type: nothing in it can be written once it was made.</summary>
    /// <remarks>A read-only list counts: nobody who is handed one writes to it, nor does who made it (<see cref="Raft.Ready"/>).</remarks>
    public static bool IsImmutable(Type type)
    {
        if (ImmutableTypes.TryGetValue(type, out var known))
        {
            return known;
        }
        // What refers to itself is copied.
        ImmutableTypes[type] = false;
        return ImmutableTypes[type] = Judge(type);
    }

    public static bool IsOurs(Type type) =>
        type.Namespace?.StartsWith("Consensus.", StringComparison.Ordinal) == true || type.IsAssignableTo(typeof(ITuple)) || Nullable.GetUnderlyingType(type) is not null;

    private static bool Judge(Type type)
    {
        if (type.IsPrimitive || type.IsEnum || type == typeof(string) || type == typeof(ReadOnlyMemory<byte>) || type == typeof(Type))
        {
            return true;
        }
        if (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(ImmutableArray<>) || type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)))
        {
            return IsImmutable(type.GetGenericArguments()[0]);
        }
        // A field of a value type is written as a whole, with whatever holds it.
        return IsOurs(type) && !type.IsInterface && !type.IsArray && FieldsOf(type).All(field => (field.IsInitOnly || type.IsValueType) && IsImmutable(field.FieldType));
    }
}
