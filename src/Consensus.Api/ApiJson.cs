using System.Text.Json.Serialization;
using Consensus.Api.Access;
using Consensus.Api.Cluster;
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

namespace Consensus.Api;

/// <summary>
/// The contract's JSON, by source generation: camelCase; unknown members, duplicates and missing required members are refused.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(KeyAnswer))]
[JsonSerializable(typeof(KeyListAnswer))]
[JsonSerializable(typeof(KeysDeletedAnswer))]
[JsonSerializable(typeof(LeaseGrantRequest))]
[JsonSerializable(typeof(LeaseKeepAliveRequest))]
[JsonSerializable(typeof(LeaseAnswer))]
[JsonSerializable(typeof(LeaseKeepAliveAnswer))]
[JsonSerializable(typeof(LeaseDetailAnswer))]
[JsonSerializable(typeof(LeaseListAnswer))]
[JsonSerializable(typeof(LeaseRevokedAnswer))]
[JsonSerializable(typeof(SessionKeepAliveRequest))]
[JsonSerializable(typeof(SettleRequest))]
[JsonSerializable(typeof(SettleAnswer))]
[JsonSerializable(typeof(LockAcquireRequest))]
[JsonSerializable(typeof(LockRenewRequest))]
[JsonSerializable(typeof(LockGrantAnswer))]
[JsonSerializable(typeof(PlaceAnswer))]
[JsonSerializable(typeof(HoldRenewedAnswer))]
[JsonSerializable(typeof(LockAnswer))]
[JsonSerializable(typeof(LockListAnswer))]
[JsonSerializable(typeof(HandOverRequest))]
[JsonSerializable(typeof(HandOverAnswer))]
[JsonSerializable(typeof(ChangePermitsRequest))]
[JsonSerializable(typeof(PermitsChangedAnswer))]
[JsonSerializable(typeof(MultiLockRequest))]
[JsonSerializable(typeof(MultiLockAnswer))]
[JsonSerializable(typeof(SemaphoreAcquireRequest))]
[JsonSerializable(typeof(SemaphoreGrantAnswer))]
[JsonSerializable(typeof(SemaphoreRenewedAnswer))]
[JsonSerializable(typeof(SemaphoreAnswer))]
[JsonSerializable(typeof(SemaphoreListAnswer))]
[JsonSerializable(typeof(CampaignRequest))]
[JsonSerializable(typeof(ProclaimRequest))]
[JsonSerializable(typeof(ElectedAnswer))]
[JsonSerializable(typeof(LeadershipAnswer))]
[JsonSerializable(typeof(ElectionAnswer))]
[JsonSerializable(typeof(ElectionListAnswer))]
[JsonSerializable(typeof(FenceRequest))]
[JsonSerializable(typeof(FenceAnswer))]
[JsonSerializable(typeof(FenceListAnswer))]
[JsonSerializable(typeof(FenceResetAnswer))]
[JsonSerializable(typeof(SettingRequest))]
[JsonSerializable(typeof(SettingAnswer))]
[JsonSerializable(typeof(SettingListAnswer))]
[JsonSerializable(typeof(RolePutRequest))]
[JsonSerializable(typeof(RoleAnswer))]
[JsonSerializable(typeof(RoleListAnswer))]
[JsonSerializable(typeof(PrincipalPutRequest))]
[JsonSerializable(typeof(PrincipalLimitsMessage))]
[JsonSerializable(typeof(PrincipalAnswer))]
[JsonSerializable(typeof(PrincipalListAnswer))]
[JsonSerializable(typeof(RevocationPutRequest))]
[JsonSerializable(typeof(RevocationAnswer))]
[JsonSerializable(typeof(RevocationListAnswer))]
[JsonSerializable(typeof(TokenPutRequest))]
[JsonSerializable(typeof(TokenPostRequest))]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(TokenListAnswer))]
[JsonSerializable(typeof(TokenMadeAnswer))]
[JsonSerializable(typeof(PolicyChangedAnswer))]
[JsonSerializable(typeof(WhoamiAnswer))]
[JsonSerializable(typeof(AccessCheckRequest))]
[JsonSerializable(typeof(AccessCheckAnswer))]
[JsonSerializable(typeof(AccessEnableRequest))]
[JsonSerializable(typeof(TxnRequest))]
[JsonSerializable(typeof(TxnAnswer))]
[JsonSerializable(typeof(WithdrawAnswer))]
[JsonSerializable(typeof(WatchOpenData))]
[JsonSerializable(typeof(WatchEventData))]
[JsonSerializable(typeof(WatchChangesData))]
[JsonSerializable(typeof(WatchCompactedData))]
[JsonSerializable(typeof(LeaseEndedData))]
[JsonSerializable(typeof(ElectionEventData))]
[JsonSerializable(typeof(ClusterAnswer))]
[JsonSerializable(typeof(MemberAnswer))]
[JsonSerializable(typeof(MemberAddRequest))]
[JsonSerializable(typeof(MemberUpdateRequest))]
[JsonSerializable(typeof(MemberRemovedAnswer))]
[JsonSerializable(typeof(LeaderTransferRequest))]
[JsonSerializable(typeof(LeaderTransferAnswer))]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(StateHashAnswer))]
[JsonSerializable(typeof(StateTablesAnswer))]
[JsonSerializable(typeof(TableRangesRequest))]
[JsonSerializable(typeof(TableRangesAnswer))]
[JsonSerializable(typeof(LiveAnswer))]
[JsonSerializable(typeof(ReadyAnswer))]
[JsonSerializable(typeof(ProblemAnswer))]
public sealed partial class ApiJson : JsonSerializerContext;
