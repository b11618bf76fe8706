using System.Net;
using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.FloatingIPs;

/// <summary>What requests do to reserved FloatingIPs; each method is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class FloatingIPStore(Catalog catalog, FloatingIPResources resources, FloatingIPRemoval removal)
{
    /// <summary>The request that, as a PUT, changes nothing.</summary>
    public async Task<FloatingIPRequest> ToRequestAsync(WriteScope scope, FloatingIPRow row, CancellationToken ct) =>
        ToRequest((await resources.ReadAsync(scope.Connection, [row], ct))[0]);

    /// <summary>The row, locked until the transaction ends.</summary>
    public Task<FloatingIPRow?> LockAsync(WriteScope scope, string ns, string name, CancellationToken ct) =>
        FloatingIPTable.FindAsync(scope.Connection, ns, name, forUpdate: true, ct);

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, string ns, FloatingIPRequest request, CancellationToken ct)
    {
        if (!ResourceRules.IsName(request.Name)) return ApiProblem.Validation("name", ResourceRules.NameRule);
        var snapshot = await catalog.VerifiedAsync(scope.Connection, ct);
        if (!snapshot.Namespaces.ContainsKey(ns)) return ApiProblem.NotFound($"Namespace {ns}");
        if (!NamespacedName.TryParse(request.ExternalNetwork, ns, out var id)) return ApiProblem.Validation("externalNetwork", "is required: the network the address is taken from");
        // Of a namespace that the caller may not read, a network that does not exist answers as one that is shut.
        if (snapshot.Network(id) is null && id.Namespace != ns && scope.Rights.In(id.Namespace) is null) return ApiProblem.NetworkNotAllowed(id.ToString(), ns);
        if (snapshot.Network(id) is not { } network) return ApiProblem.Validation("externalNetwork", $"ExternalNetwork {id} does not exist; create it first");
        if (!snapshot.MayUse(ns, network)) return ApiProblem.NetworkNotAllowed(id.ToString(), ns);

        var (place, refused) = request.Address is { } asked
            ? await AskedAsync(scope, ns, network, IPAddress.Parse(asked), ct)
            : await LowestAsync(scope, snapshot, network, new NamespacedName(ns, request.Name!), ct);
        if (refused is not null)
        {
            // If an earlier identical create already took the address, the answer is already-exists instead of address-in-use.
            return refused.Status == StatusCodes.Status409Conflict && await FloatingIPTable.FindAsync(scope.Connection, ns, request.Name!, forUpdate: false, ct) is not null
                ? ApiProblem.AlreadyExists($"FloatingIP {ns}/{request.Name}")
                : refused;
        }

        var (subnet, address) = place!.Value;
        var row = new FloatingIPRow
        {
            Namespace = ns,
            Name = request.Name!,
            SubnetId = subnet.Id,
            SubnetCidr = subnet.Cidr,
            Address = address,
            ExternalNetworkUid = network.Uid,
            Reserved = true,
            Spec = ApiJson.Text(ToSpec(request)),
        }.CreatedAt(scope, request);
        scope.Changes.Added(ResourceKind.FloatingIP, ns, row.Name, row.Uid);
        await scope.ExecuteAsync([FloatingIPTable.InsertReserved(row)], ct);
        return new WriteOutcome.Created(resources.Make(row, null, snapshot, null));
    }

    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, FloatingIPRow row, FloatingIPRequest request, CancellationToken ct)
    {
        if (!row.Reserved) return await ReplaceOwnedAsync(scope, row, request, ct);
        if (row.DeletingAt is not null && row.ServiceUid is null) return ApiProblem.BeingDeleted(What(row));
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var snapshot = await catalog.VerifiedAsync(scope.Connection, ct);
        if (request.Address is { } address && !IPAddress.Parse(address).Equals(row.Address))
            return ApiProblem.Immutable("address", $"{What(row)} holds {row.Address} and keeps it; reserve another FloatingIP for {address}.");
        var network = snapshot.Network(row.ExternalNetworkUid!.Value)!;
        if (request.ExternalNetwork is { } given && NamespacedName.TryParse(given, row.Namespace, out var id) && id != network.Id)
            return ApiProblem.Immutable("externalNetwork", $"{What(row)} is of ExternalNetwork {network.Id} and stays there; reserve another FloatingIP in {id}.");
        var spec = ToSpec(request);
        if (row.ServiceUid is { } service && spec.Interfaces.Count > 0)
            return ApiProblem.InUse(What(row), [await ServiceNameAsync(scope, service, ct)]);
        var had = ApiJson.Read<FloatingIPSpec>(row.Spec);
        if (spec.Interfaces.Except(had.Interfaces, StringComparer.Ordinal).Any()
            && await BlockedAddresses.FindInfrastructureAsync(scope.Connection, new PooledAddress(row.SubnetId, row.Address), ct) is { } blocked) return blocked;
        var before = ApiJson.Text(had);
        scope.Audit.Remember(row.Uid, row.Generation, () => new FloatingIPRequest
        {
            Name = row.Name,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Address = row.Address.ToString(),
            ExternalNetwork = network.Id.ToString(),
            Interfaces = [.. had.Interfaces],
            PortMappings = [.. had.PortMappings.Select(m => new FloatingIPPortMappingRequest { Protocol = m.Protocol, Port = m.Port, TargetPort = m.TargetPort })],
        });
        var changed = row.ChangeMetadata(request);
        if (before != ApiJson.Text(spec))
        {
            row.Spec = ApiJson.Text(spec);
            changed = true;
        }

        if (changed)
        {
            scope.Touch(ResourceKind.FloatingIP, row);
            await scope.ExecuteAsync([FloatingIPTable.UpdateReserved(row)], ct);
        }

        return new WriteOutcome.Saved((await resources.ReadAsync(scope.Connection, [row], ct))[0]);
    }

    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, FloatingIPRow row, CancellationToken ct)
    {
        if (await OwnedAsync(scope, row, ct) is { } owned) return owned;
        if (row.ServiceUid is { } service) return ApiProblem.InUse(What(row), [await ServiceNameAsync(scope, service, ct)]);
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        if (row.DeletingAt is null)
        {
            row.DeletingAt = scope.Now;
            row.UpdatedAt = scope.Now;
            await scope.ExecuteAsync([FloatingIPTable.MarkDeleting(row.Uid, scope.Now)], ct);
            if (!await FloatingIPRemoval.IsNeededElsewhereAsync(scope.Connection, row.Uid, ct))
            {
                await removal.FinalizeAsync(scope, await catalog.VerifiedAsync(scope.Connection, ct), [row.Uid], ct);
                return new WriteOutcome.Gone();
            }

            scope.Changes.Modified(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid);
        }

        return new WriteOutcome.Deleting((await resources.ReadAsync(scope.Connection, [row], ct))[0]);
    }

    internal static string What(FloatingIPRow row) => $"FloatingIP {row.Namespace}/{row.Name}";

    /// <summary>A FloatingIP that a Service owns is read-only: a PUT of what GET answered succeeds, anything else is refused.</summary>
    private async Task<WriteOutcome> ReplaceOwnedAsync(WriteScope scope, FloatingIPRow row, FloatingIPRequest request, CancellationToken ct)
    {
        if (row.DeletingAt is not null) return ApiProblem.BeingDeleted(What(row));
        var shown = (await resources.ReadAsync(scope.Connection, [row], ct))[0];
        var unchanged = ToRequest(shown);
        var same = !row.ChangeMetadata(request)
            && (request.Address is null || request.Address == shown.Address)
            && (request.ExternalNetwork is null || (NamespacedName.TryParse(request.ExternalNetwork, row.Namespace, out var id) && id.ToString() == shown.ExternalNetwork))
            && ApiJson.Text(ToSpec(request with { Interfaces = request.Interfaces ?? unchanged.Interfaces, PortMappings = request.PortMappings ?? unchanged.PortMappings }))
                == ApiJson.Text(ToSpec(unchanged));
        if (!same) return (await OwnedAsync(scope, row, ct))!;
        return scope.CheckIfMatch(row.Generation) is { } stale ? stale : new WriteOutcome.Saved(shown);
    }

    private static FloatingIPRequest ToRequest(FloatingIPResource shown) => new()
    {
        Name = shown.Name,
        Labels = shown.Labels.ToDictionary(),
        Annotations = shown.Annotations.ToDictionary(),
        Interfaces = [.. shown.Interfaces],
        PortMappings = [.. shown.PortMappings.Select(m => new FloatingIPPortMappingRequest { Protocol = m.Protocol, Port = m.Port, TargetPort = m.TargetPort })],
    };

    /// <summary>The problem with a write to a FloatingIP that a Service owns; null: no Service owns it.</summary>
    private static async Task<ApiProblem?> OwnedAsync(WriteScope scope, FloatingIPRow row, CancellationToken ct)
    {
        if (row.Reserved) return null;
        var owner = await ServiceNameAsync(scope, row.ServiceUid!.Value, ct);
        return ApiProblem.InUse(What(row), [owner]) with { Detail = $"{What(row)} belongs to {owner} and is read-only; change or delete the Service." };
    }

    private static async Task<string> ServiceNameAsync(WriteScope scope, Guid service, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT 'Service ' || namespace || '/' || name FROM service WHERE uid = $1", scope.Connection);
        command.Parameters.Add(Sql.Value(service));
        return (string?)await command.ScalarAsync(ct) ?? "a Service";
    }

    private static async Task<((CatalogSubnet, IPAddress)?, ApiProblem?)> AskedAsync(WriteScope scope, string ns, CatalogNetwork network, IPAddress address, CancellationToken ct)
    {
        if (network.Subnets.FirstOrDefault(s => s.Cidr.Contains(address)) is not { } subnet)
            return (null, ApiProblem.AddressOutOfRange("address", $"{address} is in no subnet of ExternalNetwork {network.Id}."));
        if (!subnet.CanBeRequested(address))
            return (null, ApiProblem.AddressOutOfRange("address", $"{address} is the network address, the broadcast address or the gateway of {subnet.Cidr}; ask for another."));
        var holders = await FloatingIPTable.ReadAsync(scope.Connection, "f.subnet_id = $1 AND f.address = $2", ct,
            Sql.Value(subnet.Id), new NpgsqlParameter { Value = address, NpgsqlDbType = NpgsqlDbType.Inet });
        if (holders.Count > 0) return (null, ApiProblem.AddressInUse(await AddressHolder.DescribeAsync(scope.Connection, holders[0], ct)) with { Paths = ["address"] });
        var place = new PooledAddress(subnet.Id, address);
        if ((await BlockedAddresses.FindAsync(scope.Connection, [place], ct)).TryGetValue(place, out var blocked)) return (null, blocked with { Paths = ["address"] });
        if ((await RestingAddresses.FindAsync(scope.Connection, [place], ct)).RefusalOf(place, ns) is { } resting) return (null, resting with { Paths = ["address"] });
        await AddressAllocator.TakeAskedAsync(scope.Connection, [place], [], ct);
        return ((subnet, address), null);
    }

    private static async Task<((CatalogSubnet, IPAddress)?, ApiProblem?)> LowestAsync(WriteScope scope, CatalogSnapshot snapshot, CatalogNetwork network, NamespacedName holder, CancellationToken ct)
    {
        // IPv4 if the network has it. To get IPv6 from a network with both families, the user asks for an address.
        var subnets = network.SubnetsOf(IPFamily.IPv4) is { Count: > 0 } v4 ? v4 : network.SubnetsOf(IPFamily.IPv6);
        var demand = new AddressDemand([new PoolOption(subnets)]) { HolderIn = _ => holder };
        await AddressAllocator.TakeAsync(scope.Connection, snapshot.Version, [demand], [], ct);
        return demand.Chosen < 0
            ? (null, ApiProblem.AddressesExhausted(network.Id.ToString()))
            : ((snapshot.Subnet(demand.Taken[0].SubnetId).Subnet, demand.Taken[0].Address), null);
    }

    private static FloatingIPSpec ToSpec(FloatingIPRequest request) => new()
    {
        Interfaces = [.. (request.Interfaces ?? []).Order(StringComparer.Ordinal)],
        PortMappings = [.. (request.PortMappings ?? []).Select(m => new FloatingIPPortMapping
        {
            Protocol = m.Protocol ?? TransportProtocol.TCP, Port = m.Port!.Value, TargetPort = m.TargetPort ?? m.Port.Value,
        })],
    };
}
