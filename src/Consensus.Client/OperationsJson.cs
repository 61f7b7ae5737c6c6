using System.Text.Json.Serialization;
using Consensus.Api.Access;
using Consensus.Api.Cluster;

namespace Consensus.Client;

/// <summary>As <see cref="ClientJson"/>, for what operators ask, and administrators (<see cref="AccessApi"/>, <see cref="TokenApi"/>).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(StateHashAnswer))]
[JsonSerializable(typeof(StateTablesAnswer))]
[JsonSerializable(typeof(TableRangesAnswer))]
[JsonSerializable(typeof(WhoamiAnswer))]
[JsonSerializable(typeof(RoleAnswer))]
[JsonSerializable(typeof(RoleListAnswer))]
[JsonSerializable(typeof(PrincipalAnswer))]
[JsonSerializable(typeof(PrincipalListAnswer))]
[JsonSerializable(typeof(RevocationListAnswer))]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(TokenListAnswer))]
[JsonSerializable(typeof(TokenMadeAnswer))]
[JsonSerializable(typeof(PolicyChangedAnswer))]
[JsonSerializable(typeof(AccessCheckAnswer))]
internal sealed partial class OperationsJson : JsonSerializerContext;
