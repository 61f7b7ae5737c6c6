using System.Text.Json.Serialization;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Api.Durations;
using Consensus.Api.Elections;
using Consensus.Api.Fences;
using Consensus.Api.KeyValue;
using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Api.Requests;
using Consensus.Api.Semaphores;
using Consensus.Api.Settings;
using Consensus.Api.Transactions;
using Consensus.Api.Watches;

namespace Consensus.Client;

/// <summary>
/// The contract's answers as a client reads them, by way of <see cref="AnswerTypes"/>: unlike the server's <see cref="ApiJson"/>, it
/// passes over members that it does not know, for a newer server may add some. Requests are written by <see cref="RequestJson"/>.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(KeyAnswer))]
[JsonSerializable(typeof(KeyListAnswer))]
[JsonSerializable(typeof(KeysDeletedAnswer))]
[JsonSerializable(typeof(LeaseAnswer))]
[JsonSerializable(typeof(LeaseDetailAnswer))]
[JsonSerializable(typeof(LeaseListAnswer))]
[JsonSerializable(typeof(LeaseRevokedAnswer))]
[JsonSerializable(typeof(LeaseKeepAliveAnswer))]
[JsonSerializable(typeof(SettleAnswer))]
[JsonSerializable(typeof(LockGrantAnswer))]
[JsonSerializable(typeof(PlaceAnswer))]
[JsonSerializable(typeof(LockAnswer))]
[JsonSerializable(typeof(LockListAnswer))]
[JsonSerializable(typeof(HoldRenewedAnswer))]
[JsonSerializable(typeof(HandOverAnswer))]
[JsonSerializable(typeof(PermitsChangedAnswer))]
[JsonSerializable(typeof(MultiLockAnswer))]
[JsonSerializable(typeof(SemaphoreGrantAnswer))]
[JsonSerializable(typeof(SemaphoreRenewedAnswer))]
[JsonSerializable(typeof(SemaphoreAnswer))]
[JsonSerializable(typeof(SemaphoreListAnswer))]
[JsonSerializable(typeof(ElectedAnswer))]
[JsonSerializable(typeof(LeadershipAnswer))]
[JsonSerializable(typeof(ElectionAnswer))]
[JsonSerializable(typeof(ElectionListAnswer))]
[JsonSerializable(typeof(FenceAnswer))]
[JsonSerializable(typeof(FenceListAnswer))]
[JsonSerializable(typeof(FenceResetAnswer))]
[JsonSerializable(typeof(SettingAnswer))]
[JsonSerializable(typeof(SettingListAnswer))]
[JsonSerializable(typeof(TxnAnswer))]
[JsonSerializable(typeof(WithdrawAnswer))]
[JsonSerializable(typeof(WatchOpenData))]
[JsonSerializable(typeof(WatchEventData))]
[JsonSerializable(typeof(WatchChangesData))]
[JsonSerializable(typeof(WatchCompactedData))]
[JsonSerializable(typeof(LeaseEndedData))]
[JsonSerializable(typeof(ElectionEventData))]
[JsonSerializable(typeof(ProblemAnswer))]
[JsonSerializable(typeof(ClusterAnswer))]
[JsonSerializable(typeof(MemberAnswer))]
[JsonSerializable(typeof(MemberRemovedAnswer))]
[JsonSerializable(typeof(LeaderTransferAnswer))]
[JsonSerializable(typeof(StatusAnswer))]
internal sealed partial class ClientJson : JsonSerializerContext
{
    /// <summary>A duration as requests carry it, to the millisecond.</summary>
    public static string Text(TimeSpan duration) => DurationText.Format(duration.Ticks / TimeSpan.TicksPerMicrosecond);
}
