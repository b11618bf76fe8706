using System.Net;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using CN2.Network.Addressing;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Database;

/// <summary>What requests to the API and the leader's transactions do to the rows: a compact form of <c>Services/</c>, <c>FloatingIPs/</c> and the others.</summary>
internal sealed class Writes(MemoryDatabase db)
{
    public const string Namespace = "ns";

    public Guid CreateNetwork(byte number, int size) => db.Write(changes =>
    {
        var network = new ExternalNetwork
        {
            Uid = db.NewUid(),
            Id = new NamespacedName(Namespace, $"vn{number}"),
            Number = number,
            FabricForwarding = true,
            Advertisement = Advertisement.Default,
            Subnets = [new System.Net.IPNetwork(new System.Net.IPAddress([100, number, 0, 0]), 16)],
        };
        db.Networks[network.Uid] = network;
        db.Pools[network.Uid] = new AddressPool(number, size);
        changes.Add(ResourceKind.ExternalNetwork, Namespace, network.Id.Name, network.Uid, ChangeVerb.Added);
        return network.Uid;
    });

    public void ChangeAdvertisement(Guid network, Advertisement advertisement) => db.Write(changes =>
    {
        db.Networks[network] = db.Networks[network] with { Advertisement = advertisement };
        changes.Add(ResourceKind.ExternalNetwork, Namespace, db.Networks[network].Id.Name, network, ChangeVerb.Modified);
    });

    public Service CreateService(string name, Guid network, string app) => db.Write(changes =>
    {
        var service = new Service
        {
            Uid = db.NewUid(),
            Id = new NamespacedName(Namespace, name),
            Type = ServiceType.LoadBalancer,
            Selector = LabelSet.Of(new Dictionary<string, string> { ["app"] = app }),
            Ports = [new ServicePort(null, TransportProtocol.TCP, 80, 8080, 0)],
            Generation = 1,
        };
        db.Services[service.Uid] = service;
        changes.Add(ResourceKind.Service, Namespace, name, service.Uid, ChangeVerb.Added);
        if (db.Allocate(changes, network, Namespace, $"fip-{name}", service.Uid, reserved: false) is null)
            db.Services[service.Uid] = service = service with { PendingReason = "AddressesExhausted", PendingMessage = db.Networks[network].Id.Name };
        return service;
    });

    /// <summary>A Service inside only, with a cluster IP that nobody announces, in a namespace of its own.</summary>
    public void CreateInside(string ns, IPAddress clusterIP) => db.Write(changes =>
    {
        var service = new Service
        {
            Uid = db.NewUid(),
            Id = new NamespacedName(ns, "inside"),
            Type = ServiceType.ClusterIP,
            Selector = LabelSet.Of(new Dictionary<string, string> { ["app"] = ns }),
            Ports = [new ServicePort(null, TransportProtocol.TCP, 80, 8080, 0)],
            Generation = 1,
        };
        var floatingIP = new FloatingIP
        {
            Uid = db.NewUid(),
            Id = new NamespacedName(ns, "inside"),
            Kind = FloatingIPKind.ClusterIP,
            Address = clusterIP,
            Service = service.Uid,
            Generation = 1,
        };
        db.Services[service.Uid] = service;
        db.FloatingIPs[floatingIP.Uid] = floatingIP;
        changes.Add(ResourceKind.Service, ns, service.Id.Name, service.Uid, ChangeVerb.Added);
        changes.Add(ResourceKind.FloatingIP, ns, floatingIP.Id.Name, floatingIP.Uid, ChangeVerb.Added);
    });

    public void ChangeService(Guid uid, string app) => db.Write(changes =>
    {
        if (!db.Services.TryGetValue(uid, out var service) || service.Deleting) return;
        db.Services[uid] = service with { Selector = LabelSet.Of(new Dictionary<string, string> { ["app"] = app }), Generation = service.Generation + 1 };
        changes.Add(ResourceKind.Service, Namespace, service.Id.Name, uid, ChangeVerb.Modified);
    });

    /// <summary>Marks the Service, or removes it at once when nothing announces or holds it.</summary>
    public void DeleteService(Guid uid) => db.Write(changes =>
    {
        if (!db.Services.TryGetValue(uid, out var service) || service.Deleting) return;
        var held = db.HeldBy(uid).ToList();
        if (!held.Exists(f => db.IsAnnounced(f.Uid)) && !db.RouterStatuses.Values.Any(s => s.Connected))
        {
            Remove(changes, service);
            return;
        }

        db.Services[uid] = service with { Deleting = true };
        changes.Add(ResourceKind.Service, Namespace, service.Id.Name, uid, ChangeVerb.Modified);
        foreach (var floatingIP in held.Where(f => !f.Deleting))
        {
            db.FloatingIPs[floatingIP.Uid] = floatingIP with { Deleting = true };
            changes.Add(ResourceKind.FloatingIP, Namespace, floatingIP.Id.Name, floatingIP.Uid, ChangeVerb.Modified);
        }
    });

    /// <summary>Reserves a FloatingIP and attaches it to endpoints; null: no address is free.</summary>
    public FloatingIP? Reserve(string name, Guid network, IEnumerable<string> interfaces) => db.Write(changes =>
    {
        if (db.Allocate(changes, network, Namespace, name, null, reserved: true) is not { } made) return null;
        return db.FloatingIPs[made.Uid] = made with { Interfaces = [.. interfaces] };
    });

    public void Attach(Guid uid, IEnumerable<string> interfaces) => db.Write(changes =>
    {
        if (!db.FloatingIPs.TryGetValue(uid, out var floatingIP) || floatingIP.Deleting) return;
        db.FloatingIPs[uid] = floatingIP with { Interfaces = [.. interfaces], Generation = floatingIP.Generation + 1 };
        changes.Add(ResourceKind.FloatingIP, Namespace, floatingIP.Id.Name, uid, ChangeVerb.Modified);
    });

    public void DeleteFloatingIP(Guid uid) => db.Write(changes =>
    {
        if (!db.FloatingIPs.TryGetValue(uid, out var floatingIP) || floatingIP.Deleting || floatingIP.Service is not null) return;
        if (!db.IsAnnounced(uid) && !db.RouterStatuses.Values.Any(s => s.Connected))
        {
            db.Remove(changes, floatingIP);
            return;
        }

        db.FloatingIPs[uid] = floatingIP with { Deleting = true };
        changes.Add(ResourceKind.FloatingIP, Namespace, floatingIP.Id.Name, uid, ChangeVerb.Modified);
    });

    public void CreateEndpoint(string name, string app, IPAddress address, string virtualRouter, string ns = Namespace) => db.Write(changes =>
    {
        var endpoint = new VirtualMachineInterface
        {
            Uid = db.NewUid(),
            Id = new NamespacedName(ns, name),
            Labels = LabelSet.Of(new Dictionary<string, string> { ["app"] = app }),
            Addresses = [address],
            VirtualRouter = virtualRouter,
            Ready = true,
        };
        db.Endpoints[endpoint.Uid] = endpoint;
        changes.Add(ResourceKind.VirtualMachineInterface, ns, name, endpoint.Uid, ChangeVerb.Added);
    });

    public void ChangeEndpoint(Guid uid, Func<VirtualMachineInterface, VirtualMachineInterface> change) => db.Write(changes =>
    {
        if (!db.Endpoints.TryGetValue(uid, out var endpoint)) return;
        db.Endpoints[uid] = change(endpoint);
        changes.Add(ResourceKind.VirtualMachineInterface, endpoint.Id.Namespace, endpoint.Id.Name, uid, ChangeVerb.Modified);
    });

    public void DeleteEndpoint(Guid uid) => db.Write(changes =>
    {
        if (!db.Endpoints.Remove(uid, out var endpoint)) return;
        changes.Add(ResourceKind.VirtualMachineInterface, endpoint.Id.Namespace, endpoint.Id.Name, uid, ChangeVerb.Deleted);
    });

    public void PutPeer(BgpPeer peer) => db.Write(changes =>
    {
        var isNew = !db.Peers.ContainsKey(peer.Name);
        db.Peers[peer.Name] = peer;
        changes.Add(ResourceKind.BgpRouter, null, peer.Name, Guid.Empty, isNew ? ChangeVerb.Added : ChangeVerb.Modified);
    });

    public int ServePending(IReadOnlyCollection<Guid> services) => db.Write(changes =>
    {
        var served = 0;
        foreach (var uid in services)
        {
            if (!db.Services.TryGetValue(uid, out var service) || service.Deleting || service.PendingReason is null) continue;
            var network = db.Networks.Values.First(n => n.Id.Name == service.PendingMessage);
            if (db.Allocate(changes, network.Uid, Namespace, $"fip-{service.Id.Name}", uid, reserved: false) is null) continue;
            db.Services[uid] = service with { PendingReason = null, PendingMessage = null };
            changes.Add(ResourceKind.Service, Namespace, service.Id.Name, uid, ChangeVerb.Modified);
            served++;
        }

        return served;
    });

    public int FinalizeMarked(IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs) => db.Write(changes =>
    {
        var removed = 0;
        foreach (var uid in services)
        {
            if (!db.Services.TryGetValue(uid, out var service) || !service.Deleting || db.HeldBy(uid).Any(f => db.IsAnnounced(f.Uid))) continue;
            removed += 1 + Remove(changes, service);
        }

        foreach (var uid in floatingIPs)
        {
            if (!db.FloatingIPs.TryGetValue(uid, out var floatingIP) || !floatingIP.Deleting || db.IsAnnounced(uid)) continue;
            db.Remove(changes, floatingIP);
            removed++;
        }

        return removed;
    });

    private int Remove(Changes changes, Service service)
    {
        var held = db.HeldBy(service.Uid).ToList();
        foreach (var floatingIP in held) db.Remove(changes, floatingIP);
        db.Services.Remove(service.Uid);
        db.Statuses.Remove(service.Uid);
        changes.Add(ResourceKind.Service, service.Id.Namespace, service.Id.Name, service.Uid, ChangeVerb.Deleted);
        return held.Count;
    }
}
