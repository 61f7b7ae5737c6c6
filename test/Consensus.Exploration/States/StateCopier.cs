using System.Collections;
using System.Reflection;
using Consensus.Primitives;

namespace Consensus.Exploration.States;

/// <summary>
/// Copies a whole state, field by field, so that a copy can take a step while the state that it came from stays as it was. What is immutable is shared; a type
/// that it does not know how to copy ends the search.
/// </summary>
internal sealed class StateCopier
{
    private static readonly MethodInfo Shallow = typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!;

    private readonly Dictionary<object, object> _copies = new(ReferenceEqualityComparer.Instance);
    private readonly ulong _seed;

    private StateCopier(ulong seed) => _seed = seed;

    /// <param name="seed">Every generator in the copy begins anew with it, so that no state depends on how many draws there were before.</param>
    public static T Copy<T>(T state, ulong seed)
        where T : class => (T)new StateCopier(seed).CopyOf(state);

    private object CopyOf(object value)
    {
        var type = value.GetType();
        if (Kinds.IsImmutable(type))
        {
            return value;
        }
        if (_copies.TryGetValue(value, out var known))
        {
            return known;
        }
        var copy = value switch
        {
            DeterministicRandom => new DeterministicRandom(_seed),
            Array array => CopyArray(array),
            IList list when IsGeneric(type, typeof(List<>)) => CopyList(list, type),
            IEnumerable queue when IsGeneric(type, typeof(Queue<>)) || IsGeneric(type, typeof(HashSet<>)) => CopyElements(queue, type),
            _ when Kinds.IsOurs(type) => CopyFields(value, type),
            _ => Invariant.Unreachable<object>(type),
        };
        if (!type.IsValueType)
        {
            _copies[value] = copy;
        }
        return copy;
    }

    private object CopyFields(object value, Type type)
    {
        var copy = Shallow.Invoke(value, null)!;
        _copies[value] = copy;
        foreach (var field in Kinds.FieldsOf(type))
        {
            if (!Kinds.IsImmutable(field.FieldType) && field.GetValue(value) is { } content)
            {
                field.SetValue(copy, CopyOf(content));
            }
        }
        return copy;
    }

    private Array CopyArray(Array array)
    {
        var copy = (Array)array.Clone();
        if (!Kinds.IsImmutable(array.GetType().GetElementType()!))
        {
            for (var i = 0; i < array.Length; i++)
            {
                copy.SetValue(array.GetValue(i) is { } element ? CopyOf(element) : null, i);
            }
        }
        return copy;
    }

    private IList CopyList(IList list, Type type)
    {
        var copy = (IList)Activator.CreateInstance(type)!;
        foreach (var element in list)
        {
            copy.Add(element is null ? null : CopyOf(element));
        }
        return copy;
    }

    private object CopyElements(IEnumerable elements, Type type)
    {
        var elementType = type.GetGenericArguments()[0];
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(elementType))!;
        foreach (var element in elements)
        {
            list.Add(CopyOf(element));
        }
        return Activator.CreateInstance(type, list)!;
    }

    private static bool IsGeneric(Type type, Type definition) => type.IsGenericType && type.GetGenericTypeDefinition() == definition;
}
