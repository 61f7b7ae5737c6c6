using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Consensus.Client.Tests.PublicApi;

/// <summary>The public types of an assembly with their members, a line each, in order.</summary>
internal static class PublicApiText
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    public static IReadOnlyList<string> Of(Assembly assembly) =>
        [.. assembly.GetExportedTypes().SelectMany(Lines).Distinct().Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Lines(Type type)
    {
        var name = NameOf(type);
        var parents = new[] { type.BaseType }.Concat(type.GetInterfaces()).Where(parent => parent is { IsVisible: true } && parent != typeof(object)).Select(parent => NameOf(parent!));
        yield return $"{KindOf(type)} {name} : {string.Join(", ", parents.Order(StringComparer.Ordinal))}".TrimEnd(' ', ':');
        foreach (var member in type.GetMembers(Declared).Where(IsVisible))
        {
            if (Text(member) is { } text)
            {
                yield return $"{name}.{text}";
            }
        }
    }

    private static string KindOf(Type type) =>
        type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct"
        : type.IsAbstract && type.IsSealed ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";

    private static bool IsVisible(MemberInfo member) => member switch
    {
        MethodBase method => (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly) && !IsSynthesized(method),
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        PropertyInfo { Name: "EqualityContract" } => false,
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsVisible),
        _ => false,
    };

    /// <summary>What the compiler makes for a record; accessors bear its mark too, and are told with their property.</summary>
    private static bool IsSynthesized(MethodBase method) => !method.IsSpecialName && method.IsDefined(typeof(CompilerGeneratedAttribute));

    private static string? Text(MemberInfo member) => member switch
    {
        ConstructorInfo constructor => $"ctor({Parameters(constructor)})",
        MethodInfo { IsSpecialName: true } => null,
        MethodInfo method => $"{method.Name}{Generics(method)}({Parameters(method)}) -> {NameOf(method.ReturnType, Nullability.Create(method.ReturnParameter).ReadState)}",
        FieldInfo { IsSpecialName: true } => null,
        FieldInfo { IsLiteral: true } field => $"const {field.Name} = {Literal(field.GetRawConstantValue())}",
        FieldInfo field => $"{field.Name} -> {NameOf(field.FieldType)}",
        PropertyInfo property => $"{property.Name} {{{Accessors(property)} }} -> {NameOf(property.PropertyType, Nullability.Create(property).ReadState)}",
        _ => null,
    };

    private static string Accessors(PropertyInfo property)
    {
        var setter = property.SetMethod is { } set && IsVisible(set) ? set : null;
        var isInit = setter?.ReturnParameter.GetRequiredCustomModifiers().Length > 0;
        return (property.GetMethod is { } get && IsVisible(get) ? " get;" : "") + (setter is null ? "" : isInit ? " init;" : " set;");
    }

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        (parameter.IsOut ? "out " : "")
        + $"{NameOf(parameter.ParameterType, Nullability.Create(parameter).WriteState)} {parameter.Name}"
        + (parameter.HasDefaultValue ? $" = {Literal(parameter.RawDefaultValue)}" : "")));

    private static string Literal(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string NameOf(Type type, NullabilityState state = NullabilityState.Unknown)
    {
        if (type.IsByRef)
        {
            return NameOf(type.GetElementType()!, state);
        }
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return NameOf(underlying) + "?";
        }
        var suffix = state == NullabilityState.Nullable && !type.IsValueType ? "?" : "";
        if (type.IsArray)
        {
            return NameOf(type.GetElementType()!) + "[]" + suffix;
        }
        if (type.IsGenericParameter)
        {
            return type.Name + suffix;
        }
        var name = type.IsNested ? $"{NameOf(type.DeclaringType!)}.{type.Name}" : $"{type.Namespace}.{type.Name}";
        if (type.IsGenericType)
        {
            name = $"{name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(argument => NameOf(argument)))}>";
        }
        return name + suffix;
    }
}
