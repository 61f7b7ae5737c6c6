using System.Text.Json.Serialization;
using Consensus.Api.Cluster;

namespace Consensus.Client;

/// <summary>As <see cref="ClientJson"/>, for what operators ask.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(StateHashAnswer))]
[JsonSerializable(typeof(StateTablesAnswer))]
[JsonSerializable(typeof(TableRangesAnswer))]
internal sealed partial class OperationsJson : JsonSerializerContext;
