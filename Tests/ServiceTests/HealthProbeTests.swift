// SPDX-License-Identifier: Apache-2.0

import Foundation
import Service
import Testing

/// Which server `uae health` asks, and what it says of the response.
@Suite struct HealthProbeTests {
    private func address(_ change: (inout ServiceConfiguration) -> Void) -> String? {
        HealthProbe(TestService.settings(change))?.address
    }

    @Test func theProbeIsThatOfTheSettings() {
        #expect(address { _ in } == "http://127.0.0.1:8080/health/ready")
        #expect(address { $0.host = "0.0.0.0" } == "http://127.0.0.1:8080/health/ready")
        #expect(address { $0.host = "::" } == "http://[::1]:8080/health/ready")
        #expect(address { ($0.host, $0.port) = ("::1", 9) } == "http://[::1]:9/health/ready")
        #expect(address { ($0.host, $0.port) = ("uae.example", 80) } == "http://uae.example/health/ready")
        #expect(address { $0.unixSocket = "/run/uae.sock" } == "unix:/run/uae.sock")
        #expect(address { $0.port = 0 } == nil)
    }

    @Test func anAddressWithoutAPathMeansReadiness() {
        #expect(HealthProbe(url: "http://a:9")?.address == "http://a:9/health/ready")
        #expect(HealthProbe(url: "http://a:9/")?.address == "http://a:9/health/ready")
        #expect(HealthProbe(url: "http://[::1]:9")?.address == "http://[::1]:9/health/ready")
        #expect(HealthProbe(url: "http://a/health/live?x=%20y")?.address == "http://a/health/live?x=%20y")
        for url in ["https://a", "a:9", "http://", "http://a:0", "http://a:70000", "http://a b", ""] {
            #expect(HealthProbe(url: url) == nil, "\(url)")
        }
    }

    private func failure(_ probe: HealthProbe?) async -> String? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                do throws(HealthProbe.Failure) {
                    try probe?.check(timeoutSeconds: 5)
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: "\(error)")
                }
            }
        }
    }

    @Test func aServerThatIsReadyIsHealthyAndAnotherSaysWhyNot() async throws {
        try await TestService.run { client in
            let port = client.port
            #expect(await failure(HealthProbe(url: "http://127.0.0.1:\(port)")) == nil)
            // Its first address may be ::1, where this server does not listen.
            #expect(await failure(HealthProbe(url: "http://localhost:\(port)")) == nil)
            let refused = await failure(HealthProbe(url: "http://127.0.0.1:\(port)/health/none"))
            #expect(refused?.hasPrefix("status 404: ") == true, "\(refused ?? "")")
        }
    }

    @Test func aServerThatIsNotThereIsNamed() async {
        #expect(await failure(HealthProbe(url: "http://127.0.0.1:1")) == "127.0.0.1: Connection refused")
        let everywhere = TestService.settings { ($0.host, $0.port) = ("::", 1) }
        #expect(await failure(HealthProbe(everywhere))?.hasSuffix("127.0.0.1: Connection refused") == true)
        let missing = await failure(HealthProbe(TestService.settings { $0.unixSocket = "/none/socket" }))
        #expect(missing == "/none/socket: No such file or directory")
        let long = TestService.settings { $0.unixSocket = String(repeating: "x", count: 300) }
        #expect(await failure(HealthProbe(long))?.hasSuffix("File name too long") == true)
    }
}
